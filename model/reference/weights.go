package reference

import (
	"muninn/model/arch"
	"muninn/model/checkpoint"
)

// New reads all weights of a checkpoint.
func New(ck *checkpoint.Checkpoint) (*Model, error) {
	c := ck.Config
	l := refLoader{ck: ck, table: c.TensorSpecs()}
	r := &Model{
		Config:      c,
		wte:         l.matrix(arch.PartEmbedding, 0, arch.RoleEmbedding),
		prelude:     l.blocks(arch.PartPrelude, c.NLayersInPrelude),
		adapter:     l.matrix(arch.PartAdapter, 0, arch.RoleAdapter),
		adapterBias: l.vector(arch.PartAdapter, 0, arch.RoleAdapterBias),
		core:        l.blocks(arch.PartCore, c.NLayersInRecurrentBlock),
		lnF:         l.vector(arch.PartNorm, 0, arch.RoleFinalNorm),
		coda:        l.blocks(arch.PartCoda, c.NLayersInCoda),
	}
	r.lmHead = r.wte
	if !c.TieEmbeddings {
		r.lmHead = l.matrix(arch.PartHead, 0, arch.RoleHead)
	}
	if l.err != nil {
		return nil, l.err
	}
	return r, nil
}

// refLoader reads by the table of tensors and keeps the first error.
type refLoader struct {
	ck    *checkpoint.Checkpoint
	table arch.Table
	err   error
}

func (l *refLoader) blocks(part arch.Part, n int) []refBlock {
	blocks := make([]refBlock, n)
	for i := range blocks {
		blocks[i] = refBlock{
			norm1: l.vector(part, i, arch.RoleNorm1), norm2: l.vector(part, i, arch.RoleNorm2),
			norm3: l.vector(part, i, arch.RoleNorm3), norm4: l.vector(part, i, arch.RoleNorm4),
			wqkv: l.matrix(part, i, arch.RoleQKV), qkBias: l.vector(part, i, arch.RoleQKBias),
			attnProj: l.matrix(part, i, arch.RoleAttnOut), fc: l.matrix(part, i, arch.RoleGateUp), mlpProj: l.matrix(part, i, arch.RoleDown),
		}
	}
	return blocks
}

// vector reads all values of a role, in the order of its pieces; nil where the model has none.
func (l *refLoader) vector(part arch.Part, i int, role arch.Role) []float32 {
	var all []float32
	for _, p := range l.table.Pieces(part, i, role) {
		if l.err != nil {
			return nil
		}
		per := 1 // values of a row
		for _, n := range p.Shape[1:] {
			per *= n
		}
		v := make([]float32, p.Rows*per)
		l.err = l.ck.ReadF32(p.Name, v, int64(p.Row*per))
		all = append(all, v...)
	}
	return all
}

func (l *refLoader) matrix(part arch.Part, i int, role arch.Role) refMatrix {
	pieces := l.table.Pieces(part, i, role)
	if len(pieces) == 0 {
		return refMatrix{}
	}
	cols, w := pieces[0].Shape[1], l.vector(part, i, role)
	return refMatrix{rows: len(w) / cols, cols: cols, w: w}
}
