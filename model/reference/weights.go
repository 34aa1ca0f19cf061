package reference

import (
	"fmt"

	"muninn/model/checkpoint"
)

// NewReference reads all weights of a checkpoint.
func New(ck *checkpoint.Checkpoint) (*Model, error) {
	c := ck.Config
	l := refLoader{ck: ck}
	d := c.NEmbd
	r := &Model{
		Config:  c,
		wte:     l.matrix("transformer.wte.weight", c.PaddedVocabSize, d),
		prelude: l.blocks("prelude", c.NLayersInPrelude),
		adapter: l.matrix("transformer.adapter.weight", d, 2*d),
		core:    l.blocks("core_block", c.NLayersInRecurrentBlock),
		lnF:     l.vector("transformer.ln_f.weight", d),
		coda:    l.blocks("coda", c.NLayersInCoda),
	}
	if c.Bias {
		r.adapterBias = l.vector("transformer.adapter.bias", d)
	}
	r.lmHead = r.wte
	if !c.TieEmbeddings {
		r.lmHead = l.matrix("lm_head.weight", c.PaddedVocabSize, d)
	}
	if l.err != nil {
		return nil, l.err
	}
	return r, nil
}

// refLoader keeps the first error.
type refLoader struct {
	ck  *checkpoint.Checkpoint
	err error
}

func (l *refLoader) blocks(part string, n int) []refBlock {
	c := l.ck.Config
	d, m := c.NEmbd, c.IntermediateSize
	blocks := make([]refBlock, n)
	for i := range blocks {
		p := fmt.Sprintf("transformer.%s.%d.", part, i)
		blocks[i] = refBlock{
			norm1:    l.vector(p+"norm_1.weight", d),
			norm2:    l.vector(p+"norm_2.weight", d),
			norm3:    l.vector(p+"norm_3.weight", d),
			norm4:    l.vector(p+"norm_4.weight", d),
			wqkv:     l.matrix(p+"attn.Wqkv.weight", 3*d, d),
			attnProj: l.matrix(p+"attn.proj.weight", d, d),
			fc:       l.matrix(p+"mlp.fc.weight", 2*m, d),
			mlpProj:  l.matrix(p+"mlp.proj.weight", d, m),
		}
		if c.QKBias {
			blocks[i].qkBias = l.vector(p+"attn.qk_bias", 2*d)
		}
	}
	return blocks
}

func (l *refLoader) vector(name string, n int) []float32 {
	if l.err != nil {
		return nil
	}
	v := make([]float32, n)
	l.err = l.ck.ReadF32(name, v, 0)
	return v
}

func (l *refLoader) matrix(name string, rows, cols int) refMatrix {
	return refMatrix{rows: rows, cols: cols, w: l.vector(name, rows*cols)}
}
