package engine

import (
	"fmt"

	"muninn/model/arch"
	"muninn/shaders"
	"muninn/vk"
)

// The forward pass, as lists of operations over n rows. d = NEmbd, H x h = NHeads x HeadDim, m = IntermediateSize,
// V = PaddedVocabSize. What a family does otherwise, its Config says. Four lists make a pass: begin once, coreStep num_steps times, finish and head once.

// buffers are the activations of a pass, each for the largest number of rows.
type buffers struct {
	Inputs shaders.Tensor // (2 slots, d) the adapter's inputs: State and Embeds are its halves
	Embeds shaders.Tensor // (slots, d) prelude's output, injected at every core step; or the second state
	State  shaders.Tensor // (slots, d) latent state
	Older  shaders.Tensor // (slots or 2 slots, d) states that later ones are compared with
	Kept   shaders.Tensor // (sequences x compares, d) differences of states from one task to the next
	X      shaders.Tensor // (n, d) residual stream of core and coda
	Y      shaders.Tensor // (n, d) normed input of the next product, for Wqkv, gate and up also in 8 bits, as Attn and Hidden are
	QKV    shaders.Tensor // (n, QKVWidth) q, k, v, and the gate
	Q      shaders.Tensor // (n, H h) after bias and rope, heads padded
	Attn   shaders.Tensor // (n, H h) attention's output before its projection
	Proj   shaders.Tensor // (n, d) output of either projection
	Hidden shaders.Tensor // (n, m) MLP
	Read   shaders.Tensor // (slots, d) states that are read in the place of the last
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
	rope      vk.Span // (context, h/2, 2) float32: cos, sin
	context   int     // positions of a sequence at most
	prelude   []shaders.Cache
	core      []shaders.Cache
	coda      []shaders.Cache
}

// begin: tokens to the embeds that every core step is given, and the initial state. carry names the slots whose states after
// ln_f some rows start from; mixed: rows start from slots that others mix into.
func (p *pass) begin(carry vk.Span, mixed bool) {
	r, w, c := p.rec, &p.weights, p.Config
	if !carry.IsZero() {
		from := p.Y.First(int(carry.Size() / shaders.MoveBytes))
		from.Int8 = vk.Span{}
		r.MoveRows(from, p.State, carry)
		r.RMSNorm(p.Carry.First(from.Rows), from, w.LnF, p.eps)
	}
	r.Embed(p.X, w.WTE, p.rows, float32(c.EmbedScale()))
	r.Tap("embed", p.X)
	p.enter(p.X, w.Prelude)
	for i := range w.Prelude {
		p.block(fmt.Sprintf("prelude.%d", i), p.X, w.Prelude, i, p.prelude[i], mark(i, shaders.MarkBegin), p.residual(p.X, w.Prelude, i, vk.Span{}))
	}
	switch {
	case !w.Second.IsZero():
		r.ScatterVector(p.Embeds, w.Second, p.rows)
	case c.Adapter():
		r.Scatter(p.Embeds, p.X, p.rows)
	}
	given := p.Given
	if !c.StartsDrawn() {
		given = p.X
	}
	r.InitState(p.State, p.Older, given, p.Carry, p.rows, mixed)
	r.Tap("state.r0", p.State)
}

// coreStep: the core blocks think, in as many passes as the family has, and the row's step goes up.
func (p *pass) coreStep(noise bool) {
	w, passes := &p.weights, p.Config.Passes()
	if noise {
		p.rec.Noise(p.State, w.Core[len(w.Core)-1].Norm4, p.eps, p.Config.MeanRecurrence, p.rows)
	}
	caches := p.core
	for n, of := range passes {
		name := ""
		if len(passes) > 1 {
			name = fmt.Sprintf("pass%d.", n)
		}
		p.corePass(name, of, caches[:of.Blocks], n == len(passes)-1)
		caches = caches[of.Blocks:]
	}
	p.rec.Tap("state", p.State)
}

// corePass: what the family gives its blocks, the blocks, and what becomes of the last one's result.
func (p *pass) corePass(name string, of arch.Pass, caches []shaders.Cache, last bool) {
	r, c := p.rec, p.Config
	switch {
	case c.Cycles > 0:
		r.GatherSum(p.X, p.State, p.Embeds, p.rows)
	case c.Adapter():
		r.Adapter(p.X, p.weights.Adapter, p.Inputs, p.weights.AdapterBias, p.rows)
		if c.Start == arch.StartEmbedsOnly {
			r.GatherFirst(p.X, p.Embeds, p.rows)
		}
		r.Tap(name+"adapter", p.X)
	default:
		r.Gather(p.X, p.State, p.rows)
	}
	into, endNorm := p.State, vk.Span{}
	if of.Second {
		into = p.Embeds
	}
	if c.FinalNorm == arch.NormEachPass {
		endNorm = p.weights.LnF
	}
	blocks := p.weights.Core[of.First:][:of.Blocks]
	p.enter(p.X, blocks)
	for i := range blocks {
		end := p.residual(p.X, blocks, i, vk.Span{})
		if i == of.Blocks-1 {
			end = func() shaders.Tensor {
				r.MatMul(p.Proj, blocks[i].MLPProj, p.hidden(&blocks[i]))
				r.Advance(into, p.Older, p.X, p.Proj, p.form(), blocks[i].Norm4, endNorm, p.eps, p.rows, p.groups, last)
				if endNorm.IsZero() {
					return into
				}
				return shaders.Tensor{} // what the block itself gives is nowhere
			}
		}
		p.block(fmt.Sprintf("%score.%d", name, of.First+i), p.X, blocks, i, caches[i], mark(i, shaders.MarkStep), end)
	}
	if of.Second {
		r.Tap(name+"second", p.Embeds)
	}
}

// exits: the gate's verdict on the step, and what is read of it if there are readouts.
func (p *pass) exits(readouts vk.Span) {
	p.rec.ExitGate(p.State, p.weights.ExitGate, p.weights.ExitGateBias, p.rows, p.groups, shaders.Readouts{Of: readouts, Read: p.Read})
	p.rec.Tap("exit_gate", shaders.Tensor{Span: p.groups.Gates, Rows: p.State.Rows, Cols: shaders.ExitGateBytes / 4, Stride: shaders.ExitGateBytes / 4})
}

// finish: the state, or what else is read, through the coda into Y, with the final norm where the family has it.
func (p *pass) finish(read bool) {
	r, w, c := p.rec, &p.weights, p.Config
	if read { // of rows whose table says that they have taken no step; there is no coda
		defer r.GatherFirst(p.floats(), p.Read, p.rows)
	}
	switch {
	case c.FinalNorm == arch.NormEachPass: // and no coda
		r.Gather(p.floats(), p.State, p.rows)
		return
	case c.FinalNorm == arch.NormAroundCoda:
		r.Gather(p.floats(), p.State, p.rows)
		r.RMSNorm(p.X, p.floats(), w.LnF, p.eps)
		r.Tap("lnf_state", p.X)
	default:
		r.Gather(p.X, p.State, p.rows)
	}
	p.enter(p.X, w.Coda)
	if len(w.Coda) == 0 {
		r.RMSNorm(p.floats(), p.X, w.LnF, p.eps)
	}
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
