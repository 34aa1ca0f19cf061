// Package reference is the model in plain Go, the oracle of the device's graph.
package reference

import (
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders/plain"
)

// Model is the model in plain Go: float32 weights, float64 arithmetic, no tiles, no device. It is the oracle
// that the device's graph is compared with, and slow. It may be shared by sessions.
//
// Letters: S rows of a pass, d = NEmbd, H x h = NHeads x HeadDim, m = IntermediateSize, V = PaddedVocabSize.
type Model struct {
	Config      arch.Config
	wte         refMatrix // (V, d)
	prelude     []refBlock
	adapter     refMatrix // (d, 2d): columns of the state, then of the embeds
	adapterBias []float32 // (d), nil without bias
	core        []refBlock
	lnF         []float32 // (d)
	coda        []refBlock
	lmHead      refMatrix // (V, d), wte when tied
}

type refBlock struct {
	norm1, norm2, norm3, norm4 []float32 // (d)
	wqkv                       refMatrix // (3d, d): all q heads, all k heads, all v heads
	qkBias                     []float32 // (2, H, h): q, k; nil without qk_bias
	attnProj                   refMatrix // (d, d)
	fc                         refMatrix // (2m, d): gate, then up
	mlpProj                    refMatrix // (d, m)
}

// embed: rows of the embedding times sqrt(d).
func (r *Model) embed(tokens []int32) [][]float64 {
	scale := r.Config.EmbedScale()
	x := newRows(len(tokens), r.Config.NEmbd)
	for i, token := range tokens {
		for j, v := range r.wte.row(int(token)) {
			x[i][j] = float64(v) * scale
		}
	}
	return x
}

// block: x = norm_2(attn(norm_1 x) + x); x = norm_4(mlp(norm_3 x) + x). There is no path around the norms. at holds the
// rows' positions.
func (r *Model) block(b refBlock, x [][]float64, at []int, cache refCache, name string, tap refTap) [][]float64 {
	eps := r.Config.NormEps

	y := rmsNorms(x, b.norm1, eps)
	tap(name+".norm_1", y)
	y = r.attention(b, y, at, cache, name, tap)
	tap(name+".attn", y)
	x = rmsNorms(plus(y, x), b.norm2, eps)
	tap(name+".norm_2", x)

	y = rmsNorms(x, b.norm3, eps)
	tap(name+".norm_3", y)
	y = b.mlpProj.times(gated(b.fc.times(y, nil)), nil)
	tap(name+".mlp", y)
	x = rmsNorms(plus(y, x), b.norm4, eps)
	tap(name, x)
	return x
}

// attention: softmax(q k^T / sqrt(h)) v over the positions up to the row's own, through the cache.
func (r *Model) attention(b refBlock, x [][]float64, at []int, cache refCache, name string, tap refTap) [][]float64 {
	d, heads, h := r.Config.NEmbd, r.Config.NHeads, r.Config.HeadDim
	qkv := b.wqkv.times(x, nil) // (S, 3d)
	tap(name+".attn.Wqkv", qkv)
	for i, row := range qkv {
		q, k, v := row[:d], row[d:2*d], row[2*d:]
		if b.qkBias != nil { // before rope
			addBias(q, b.qkBias[:d])
			addBias(k, b.qkBias[d:])
		}
		for head := range heads {
			r.rope(q[head*h:(head+1)*h], at[i])
			r.rope(k[head*h:(head+1)*h], at[i])
		}
		cache.store(at[i], refKV{k, v})
	}
	y := newRows(len(x), d)
	parallel(len(x), func(i int) {
		seen := cache.load(at[i])
		for head := range heads {
			lo, hi := head*h, (head+1)*h
			plain.Attend(y[i][lo:hi], qkv[i][lo:hi], len(seen),
				func(k int) []float64 { return seen[k].k[lo:hi] }, func(k int) []float64 { return seen[k].v[lo:hi] })
		}
	})
	return b.attnProj.times(y, nil)
}

// rope turns neighbouring pairs (2i, 2i+1) of one head by position * base^(-2i/h).
func (r *Model) rope(x []float64, pos int) {
	for i := range len(x) / 2 {
		cos, sin := plain.RopeAngle(pos, i, len(x), r.Config.RopeBase)
		plain.Turn(x, i, cos, sin)
	}
}

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
