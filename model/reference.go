package model

import (
	"fmt"
	"math"
)

// Reference is the model in plain Go: float32 weights, float64 arithmetic, no tiles, no device. It is the oracle
// that the device's graph is compared with, and slow. It may be shared by sessions.
//
// Letters: S rows of a pass, d = NEmbd, H x h = NHeads x HeadDim, m = IntermediateSize, V = PaddedVocabSize.
type Reference struct {
	Config      Config
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

// forward is the model, top to bottom, for tokens that follow the sequence's; row0 is the number of the first row.
func (s *ReferenceSession) forward(q *refSequence, tokens []int32, numSteps, row0 int) [][]float32 {
	r, eps := s.r, s.r.Config.NormEps
	pos0 := len(q.positions)
	for range tokens {
		q.positions = append(q.positions, refPosition{
			prelude: make([]refKV, len(r.prelude)),
			core:    make([][]refKV, len(r.core)),
			coda:    make([]refKV, len(r.coda)),
		})
	}
	tap := s.tapper(row0)

	embeds := r.embed(tokens) // (S, d)
	tap("embed", embeds)
	for i, b := range r.prelude {
		name := fmt.Sprintf("prelude.%d", i)
		embeds = r.block(b, embeds, pos0, q.preludeCache(i), name, tap)
	}

	state := s.initialStates(q, pos0, len(tokens)) // (S, d)
	tap("state.r0", state)
	for step := range numSteps {
		at := fmt.Sprintf("step%d.", step+1)
		state = r.adapter.times(concat(state, embeds), r.adapterBias)
		tap(at+"adapter", state)
		for i, b := range r.core {
			name := fmt.Sprintf("%score.%d", at, i)
			state = r.block(b, state, pos0, q.coreCache(i, step, s.opt.Lookup), name, tap)
		}
		tap(fmt.Sprintf("state.r%d", step+1), state)
	}

	x := rmsNorms(state, r.lnF, eps)
	tap("lnf_state", x)
	if n := len(x); n > 0 {
		q.carry = narrow(x[n-1])
	}
	for i, b := range r.coda {
		name := fmt.Sprintf("coda.%d", i)
		x = r.block(b, x, pos0, q.codaCache(i), name, tap)
	}
	x = rmsNorms(x, r.lnF, eps) // the same weight again
	tap("lnf_out", x)
	logits := r.lmHead.times(x, nil) // (S, V)
	tap("logits", logits)

	rows := make([][]float32, len(logits))
	for i, row := range logits {
		rows[i] = narrow(row)
	}
	return rows
}

// embed: rows of the embedding times sqrt(d).
func (r *Reference) embed(tokens []int32) [][]float64 {
	scale := r.Config.EmbedScale()
	x := newRows(len(tokens), r.Config.NEmbd)
	for i, token := range tokens {
		for j, v := range r.wte.row(int(token)) {
			x[i][j] = float64(v) * scale
		}
	}
	return x
}

// initialStates: given by the caller, carried over from the previous token, or drawn by position.
func (s *ReferenceSession) initialStates(q *refSequence, pos0, n int) [][]float64 {
	state := newRows(n, s.r.Config.NEmbd)
	row := make([]float32, s.r.Config.NEmbd)
	for i := range state {
		switch set := q.setting; {
		case set.ContinuousCompute && q.carry != nil && n == 1: // a decoded token, not a prompt
			row = q.carry
		case set.States != nil:
			row = set.States(pos0 + i)
		default:
			InitialState(SequenceKey(set.Seed, set.Stream), pos0+i, s.r.Config, set.InitScale, row)
		}
		for j, v := range row {
			state[i][j] = float64(v)
		}
	}
	return state
}

// block: x = norm_2(attn(norm_1 x) + x); x = norm_4(mlp(norm_3 x) + x). There is no path around the norms.
func (r *Reference) block(b refBlock, x [][]float64, pos0 int, cache refCache, name string, tap refTap) [][]float64 {
	eps := r.Config.NormEps

	y := rmsNorms(x, b.norm1, eps)
	tap(name+".norm_1", y)
	y = r.attention(b, y, pos0, cache, name, tap)
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
func (r *Reference) attention(b refBlock, x [][]float64, pos0 int, cache refCache, name string, tap refTap) [][]float64 {
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
			r.rope(q[head*h:(head+1)*h], pos0+i)
			r.rope(k[head*h:(head+1)*h], pos0+i)
		}
		cache.store(pos0+i, refKV{k, v})
	}
	y := newRows(len(x), d)
	parallel(len(x), func(i int) {
		seen := cache.load(pos0 + i)
		for head := range heads {
			lo, hi := head*h, (head+1)*h
			attend(y[i][lo:hi], qkv[i][lo:hi], seen, lo, hi)
		}
	})
	return b.attnProj.times(y, nil)
}

// attend: one row and head over the keys and values seen; lo:hi is the head's part of them.
func attend(y, q []float64, seen []refKV, lo, hi int) {
	scores, top := make([]float64, len(seen)), math.Inf(-1)
	for i, kv := range seen {
		for j, k := range kv.k[lo:hi] {
			scores[i] += q[j] * k
		}
		scores[i] /= math.Sqrt(float64(hi - lo))
		top = max(top, scores[i])
	}
	var sum float64
	for i, score := range scores {
		scores[i] = math.Exp(score - top)
		sum += scores[i]
	}
	for i, kv := range seen {
		for j, v := range kv.v[lo:hi] {
			y[j] += scores[i] / sum * v
		}
	}
}

// rope turns neighbouring pairs (2i, 2i+1) of one head by position * base^(-2i/h).
func (r *Reference) rope(x []float64, pos int) {
	for i := 0; i+1 < len(x); i += 2 {
		sin, cos := math.Sincos(float64(pos) * math.Pow(r.Config.RopeBase, -float64(i)/float64(len(x))))
		x[i], x[i+1] = x[i]*cos-x[i+1]*sin, x[i+1]*cos+x[i]*sin
	}
}
