package engine

import (
	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// block: attention and MLP over x, each with the norms around it that the family has. enter has been called; end does the MLP's
// projection and the last norms, which depend on what follows, and says where its result lies.
func (p *pass) block(name string, x shaders.Tensor, blocks []weights.Block, i int, cache shaders.Cache, mark shaders.Mark, end func() shaders.Tensor) {
	r, b, c := p.rec, &blocks[i], p.Config
	r.Tap(name+".norm_1", p.Y)
	r.MatMul(p.QKV, b.Wqkv, p.reads(x, b.Norm1, b.Wqkv))
	r.Tap(name+".attn.Wqkv", p.QKV)
	if c.Block.QKNorm {
		r.RMSNormAt(p.QKV, 0, c.QueryWidth(), b.QNorm, p.eps)
		r.RMSNormAt(p.QKV, c.QueryWidth(), c.KeyWidth(), b.KNorm, p.eps)
	}
	r.QKVRope(p.Q, cache, p.QKV, b.QKBias, p.rope, c.Block.Halves, p.rows, mark)
	attn := p.attended(b)
	r.Attention(attn, p.Q, cache, p.gate(), p.rows, p.context, p.attention)
	p.join(x, b.AttnProj, attn, b.Norm2, b.Norm3, b.Gate)
	r.Tap(name+".attn", p.Proj)
	r.Tap(name+".norm_2", x)
	r.Tap(name+".norm_3", p.Y)
	r.SwiGLU(p.hidden(b), b.Gate, b.Up, p.reads(x, b.Norm3, b.Gate))
	out := end()
	r.Tap(name+".mlp", p.Proj)
	if out.Rows > 0 {
		r.Tap(name, out)
	}
}

// enter leaves in Y the norm before the first of a run of blocks over x, if it has one.
func (p *pass) enter(x shaders.Tensor, blocks []weights.Block) {
	if len(blocks) > 0 && !blocks[0].Norm1.IsZero() {
		p.rec.RMSNorm(p.normed(blocks[0].Wqkv), x, blocks[0].Norm1, p.eps)
	}
}

// reads is what a product with w takes: Y, or x itself where no norm stands before it.
func (p *pass) reads(x shaders.Tensor, norm vk.Span, w shaders.Matrix) shaders.Tensor {
	if norm.IsZero() {
		return x
	}
	return p.normed(w)
}

// join adds w in to x, with the norm after it, and leaves in Y the norm that comes next, if any, for a product with reader.
func (p *pass) join(x shaders.Tensor, w shaders.Matrix, in shaders.Tensor, after, next vk.Span, reader shaders.Matrix) {
	if next.IsZero() {
		p.rec.MatMul(p.Proj, w, in)
		p.rec.AddNorm(x, p.Proj, p.form(), after, p.eps)
		return
	}
	p.rec.MatMulNorm(p.normed(reader), x, p.Proj, w, in, p.form(), after, next, p.eps, p.arrived)
}

// residual ends block i of a run of blocks over x: the norm that comes next is the next block's first, after the last block the
// weight given, if any.
func (p *pass) residual(x shaders.Tensor, blocks []weights.Block, i int, next vk.Span) func() shaders.Tensor {
	return func() shaders.Tensor {
		var reader shaders.Matrix // floats
		if i+1 < len(blocks) {
			next, reader = blocks[i+1].Norm1, blocks[i+1].Wqkv
		}
		p.join(x, blocks[i].MLPProj, p.hidden(&blocks[i]), blocks[i].Norm4, next, reader)
		return x
	}
}

// form is how the family's residual stream takes in what attention and MLP give.
func (p *pass) form() shaders.Residual {
	switch p.Config.Block.Norms {
	case arch.NormsSandwich:
		return shaders.ResidualNormed
	case arch.NormsBefore:
		return shaders.ResidualPlain
	}
	return shaders.ResidualInside
}

// gate is attention's output gate, if the family has one: it lies behind q, k and v.
func (p *pass) gate() shaders.Gate {
	if !p.Config.Block.Gate {
		return shaders.Gate{}
	}
	return shaders.Gate{QKV: p.QKV, At: p.Config.QueryWidth() + 2*p.Config.KeyWidth()}
}

// normed is Y as the input of a product with w: with its rows in 8 bits where those are what is multiplied.
func (p *pass) normed(w shaders.Matrix) shaders.Tensor {
	if p.kernels.PaysInt8(w.Format, p.Y.Rows) {
		return p.Y
	}
	return p.floats()
}

// attended is Attn between attention and its projection: with its rows in 8 bits as normed is.
func (p *pass) attended(b *weights.Block) shaders.Tensor {
	if p.kernels.WritesInt8(b.AttnProj.Format, p.Attn.Rows) && shaders.WholeBlocks(p.Config.HeadDim) {
		return p.Attn
	}
	return floats(p.Attn)
}

// hidden is the same of Hidden, which is written in 8 bits where it is made of such.
func (p *pass) hidden(b *weights.Block) shaders.Tensor {
	if n := p.Hidden.Rows; p.kernels.WritesInt8(b.MLPProj.Format, n) && p.kernels.PaysInt8(b.Gate.Format, n) && !b.Norm3.IsZero() {
		return p.Hidden
	}
	return floats(p.Hidden)
}

// floats is t without its rows in 8 bits.
func floats(t shaders.Tensor) shaders.Tensor {
	t.Int8 = vk.Span{}
	return t
}

// floats is Y so.
func (p *pass) floats() shaders.Tensor { return floats(p.Y) }

// mark gives m to the first layer of its part: one layer of a pass tells the cache how deep its rows are.
func mark(layer int, m shaders.Mark) shaders.Mark {
	if layer == 0 {
		return m
	}
	return shaders.NoMark
}
