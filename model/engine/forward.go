package engine

import (
	"fmt"

	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// The forward pass, as lists of operations over n rows. d = NEmbd, H x h = NHeads x HeadDim, m = IntermediateSize,
// V = PaddedVocabSize. Four lists make a pass: begin once, coreStep num_steps times, finish and head once.

// buffers are the activations of a pass, each for the largest number of rows.
type buffers struct {
	Inputs shaders.Tensor // (2 slots, d) the adapter's inputs: State and Embeds are its halves
	Embeds shaders.Tensor // (slots, d) prelude's output, injected at every core step
	State  shaders.Tensor // (slots, d) latent state
	Older  shaders.Tensor // (slots or 2 slots, d) states that later ones are compared with
	Kept   shaders.Tensor // (sequences x compares, d) differences of states from one task to the next
	X      shaders.Tensor // (n, d) residual stream of core and coda
	Y      shaders.Tensor // (n, d) normed input of the next product, for Wqkv, gate and up also in 8 bits
	QKV    shaders.Tensor // (n, QKVWidth) q, k, v, and the gate
	Q      shaders.Tensor // (n, H h) after bias and rope, heads padded
	Attn   shaders.Tensor // (n, H h) attention's output before its projection
	Proj   shaders.Tensor // (n, d) output of either projection
	Hidden shaders.Tensor // (n, m) MLP
	Out    shaders.Tensor // (outputs, d) ln_f of the rows whose logits are wanted
	Logits shaders.Tensor // (outputs, V)
	Given  shaders.Tensor // (n, d) initial states from the caller
	Carry  shaders.Tensor // (sequences, d) states after ln_f, for continuous compute

	Previous shaders.Tensor // (sequences, V) distributions at the last check
}

// first narrows the buffers to n rows, of which m have logits.
func (b buffers) first(n, m int) buffers {
	for _, t := range []*shaders.Tensor{&b.Given, &b.X, &b.Y, &b.QKV, &b.Q, &b.Attn, &b.Proj, &b.Hidden} {
		*t = t.First(n)
	}
	b.Out, b.Logits = b.Out.First(m), b.Logits.First(m)
	return b
}

// pass is what the lists need: weights, buffers and cache, for a number of rows.
type pass struct {
	*Model
	buffers
	rec       *shaders.Recorder
	rows      shaders.Rows
	groups    shaders.Groups
	arrived   vk.Span // [1] counter of MatMulNorm
	attention shaders.AttentionScratch
	context   int // positions of a sequence at most
	prelude   []shaders.Cache
	core      []shaders.Cache
	coda      []shaders.Cache
}

// begin: tokens to the embeds that every core step is given, and the initial state. carry names the slots whose states after
// ln_f some rows start from; mixed: rows start from slots that others mix into.
func (p *pass) begin(carry vk.Span, mixed bool) {
	r, w, eps := p.rec, &p.weights, p.eps
	if !carry.IsZero() {
		from := p.Y.First(int(carry.Size() / shaders.MoveBytes))
		from.Int8 = vk.Span{}
		r.MoveRows(from, p.State, carry)
		r.RMSNorm(p.Carry.First(from.Rows), from, w.LnF, eps)
	}
	r.Embed(p.X, w.WTE, p.rows, float32(p.Config.EmbedScale()))
	r.Tap("embed", p.X)
	if len(w.Prelude) > 0 {
		r.RMSNorm(p.normed(w.Prelude[0].Wqkv), p.X, w.Prelude[0].Norm1, eps)
	}
	for i := range w.Prelude {
		p.block(fmt.Sprintf("prelude.%d", i), p.X, w.Prelude, i, p.prelude[i], mark(i, shaders.MarkBegin), p.residual(p.X, w.Prelude, i, vk.Span{}))
	}
	r.Scatter(p.Embeds, p.X, p.rows)
	given := p.Given
	if !p.Config.StartsDrawn() {
		given = p.X
	}
	r.InitState(p.State, p.Older, given, p.Carry, p.rows, mixed)
	r.Tap("state.r0", p.State)
}

// coreStep: the adapter, if the family has one, joins state and embeds, the core blocks think, the row's step goes up.
func (p *pass) coreStep(noise bool) {
	r, w, eps := p.rec, &p.weights, p.eps
	if noise {
		r.Noise(p.State, w.Core[len(w.Core)-1].Norm4, eps, p.Config.MeanRecurrence, p.rows)
	}
	if p.Config.Adapter() {
		r.Adapter(p.X, w.Adapter, p.Inputs, w.AdapterBias, p.rows)
		r.Tap("adapter", p.X)
	} else {
		r.Gather(p.X, p.State, p.rows)
	}
	r.RMSNorm(p.normed(w.Core[0].Wqkv), p.X, w.Core[0].Norm1, eps)
	for i := range w.Core {
		end := p.residual(p.X, w.Core, i, vk.Span{})
		if i == len(w.Core)-1 {
			end = func() shaders.Tensor {
				r.MatMul(p.Proj, w.Core[i].MLPProj, p.Hidden)
				r.Advance(p.State, p.Older, p.X, p.Proj, shaders.ResidualNormed, w.Core[i].Norm4, vk.Span{}, eps, p.rows, p.groups, true)
				return p.State
			}
		}
		p.block(fmt.Sprintf("core.%d", i), p.X, w.Core, i, p.core[i], mark(i, shaders.MarkStep), end)
	}
	r.Tap("state", p.State)
}

// finish: ln_f, coda, ln_f again, into Y.
func (p *pass) finish() {
	r, w, eps := p.rec, &p.weights, p.eps
	r.Gather(p.floats(), p.State, p.rows)
	r.RMSNorm(p.X, p.floats(), w.LnF, eps)
	r.Tap("lnf_state", p.X)
	next, into := w.LnF, p.Y // a bare core block, which only Random makes, has no coda
	if len(w.Coda) > 0 {
		next, into = w.Coda[0].Norm1, p.normed(w.Coda[0].Wqkv)
	}
	r.RMSNorm(into, p.X, next, eps)
	for i := range w.Coda {
		p.block(fmt.Sprintf("coda.%d", i), p.X, w.Coda, i, p.coda[i], shaders.NoMark, p.residual(p.X, w.Coda, i, w.LnF))
	}
}

// head: the logits of the rows of Y that outputs names; of all of them without.
func (p *pass) head(outputs vk.Span) {
	out := p.floats()
	if !outputs.IsZero() {
		p.rec.MoveRows(p.Out, out, outputs)
		out = p.Out
	}
	p.rec.Tap("lnf_out", out)
	p.rec.MatMul(p.Logits, p.weights.LMHead, out)
	p.rec.Tap("logits", p.Logits)
}

// block: x = norm_2(attn(norm_1 x) + x); x = norm_4(mlp(norm_3 x) + x). Y holds norm_1 x already; end does the MLP's
// projection and the last norm, which depends on what follows, and says where its result lies.
func (p *pass) block(name string, x shaders.Tensor, blocks []weights.Block, i int, cache shaders.Cache, mark shaders.Mark, end func() shaders.Tensor) {
	r, b := p.rec, &blocks[i]
	r.Tap(name+".norm_1", p.Y)
	r.MatMul(p.QKV, b.Wqkv, p.normed(b.Wqkv))
	r.Tap(name+".attn.Wqkv", p.QKV)
	r.QKVRope(p.Q, cache, p.QKV, b.QKBias, p.weights.Rope, p.Config.Block.Halves, p.rows, mark)
	r.Attention(p.Attn, p.Q, cache, p.gate(), p.rows, p.context, p.attention)
	r.MatMulNorm(p.normed(b.Gate), x, p.Proj, b.AttnProj, p.Attn, shaders.ResidualNormed, b.Norm2, b.Norm3, p.eps, p.arrived)
	r.Tap(name+".attn", p.Proj)
	r.Tap(name+".norm_2", x)
	r.Tap(name+".norm_3", p.Y)
	r.SwiGLU(p.Hidden, b.Gate, b.Up, p.normed(b.Gate))
	out := end()
	r.Tap(name+".mlp", p.Proj)
	r.Tap(name, out)
}

// residual ends block i of a run of blocks over x: norm_4 after the residual, and into Y the norm that comes next: the
// next block's norm_1, after the last block the weight given, if any.
func (p *pass) residual(x shaders.Tensor, blocks []weights.Block, i int, next vk.Span) func() shaders.Tensor {
	return func() shaders.Tensor {
		y := p.floats()
		if i+1 < len(blocks) {
			next, y = blocks[i+1].Norm1, p.normed(blocks[i+1].Wqkv)
		}
		if next.IsZero() {
			p.rec.MatMul(p.Proj, blocks[i].MLPProj, p.Hidden)
			p.rec.AddNorm(x, p.Proj, shaders.ResidualNormed, blocks[i].Norm4, p.eps)
		} else {
			p.rec.MatMulNorm(y, x, p.Proj, blocks[i].MLPProj, p.Hidden, shaders.ResidualNormed, blocks[i].Norm4, next, p.eps, p.arrived)
		}
		return x
	}
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

// floats is Y without its rows in 8 bits.
func (p *pass) floats() shaders.Tensor {
	y := p.Y
	y.Int8 = vk.Span{}
	return y
}

// mark gives m to the first layer of its part: one layer of a pass tells the cache how deep its rows are.
func mark(layer int, m shaders.Mark) shaders.Mark {
	if layer == 0 {
		return m
	}
	return shaders.NoMark
}
