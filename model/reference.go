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

// ReferenceOptions are a reference session's. The zero value is a session of the `latest-m4` strategy.
type ReferenceOptions struct {
	Lookup  Lookup
	Context int // positions of each sequence; block_size
	// Tap, if set, is given every named tensor of a pass, a row at a time: `embed`, `prelude.I`, `state.rN` (after N
	// steps), `stepN.adapter`, `stepN.core.I` (steps count from 1), `lnf_state`, `coda.I`, `lnf_out`, `logits`, and inside
	// a block `BLOCK.norm_1`, `.attn.Wqkv`, `.attn`, `.norm_2`, `.norm_3`, `.mlp`. Rows count through a pass's inputs.
	Tap func(name string, row int, v []float32)
}

// ReferenceInput is a stretch of tokens to go on a sequence with.
type ReferenceInput struct {
	Seq    int
	Tokens []int32
}

// ReferenceSession is a number of sequences and their KV cache. It is not safe for concurrent use.
type ReferenceSession struct {
	r    *Reference
	opt  ReferenceOptions
	seqs map[int]*refSequence
}

// refSequence is one timeline.
type refSequence struct {
	setting   Sequence
	positions []refPosition
	carry     []float32 // (d) final state of the last token after ln_f
}

// refPosition is what the cache holds of one position.
type refPosition struct {
	prelude, coda []refKV   // by block
	core          [][]refKV // by block, then slot
}

type refKV struct{ k, v []float64 } // (d) each, k after rope

// NewSession starts a session without tokens.
func (r *Reference) NewSession(o ReferenceOptions) (*ReferenceSession, error) {
	if o.Lookup.Rule == 0 {
		var err error
		if o.Lookup, err = ParseLookup(DefaultLookup, r.Config.NLayersInRecurrentBlock); err != nil {
			return nil, err
		}
	}
	if o.Context == 0 {
		o.Context = r.Config.BlockSize
	}
	return &ReferenceSession{r: r, opt: o, seqs: map[int]*refSequence{}}, nil
}

// SetSequence sets how the tokens of sequence seq start from here on. Without it, a sequence starts from generated states
// of seed 0 and its own number as stream.
func (s *ReferenceSession) SetSequence(seq int, setting Sequence) { s.sequence(seq).setting = setting }

func (s *ReferenceSession) sequence(seq int) *refSequence {
	q := s.seqs[seq]
	if q == nil {
		q = &refSequence{setting: Sequence{Stream: uint64(seq), InitScale: 1}}
		s.seqs[seq] = q
	}
	return q
}

// Pos is the number of tokens that sequence seq holds: the position of its next token.
func (s *ReferenceSession) Pos(seq int) int { return len(s.sequence(seq).positions) }

// Rewind drops the tokens of sequence seq from position pos on.
func (s *ReferenceSession) Rewind(seq, pos int) error {
	q := s.sequence(seq)
	if pos < 0 || pos > len(q.positions) {
		return fmt.Errorf("model: rewind of sequence %d to position %d: it holds %d tokens", seq, pos, len(q.positions))
	}
	if pos < len(q.positions) {
		q.carry = nil
	}
	q.positions = q.positions[:pos]
	return nil
}

// Stored counts the positions of sequence seq that hold slot `slot` of core block `block`.
func (s *ReferenceSession) Stored(seq, block, slot int) int {
	n := 0
	for _, p := range s.sequence(seq).positions {
		if slot < len(p.core[block]) {
			n++
		}
	}
	return n
}

// Forward runs the inputs' tokens with numSteps core steps each and gives the logits of every row (V), in order. After
// an error of the inputs nothing has changed.
func (s *ReferenceSession) Forward(inputs []ReferenceInput, numSteps int) ([][]float32, error) {
	if err := s.check(inputs, numSteps); err != nil {
		return nil, err
	}
	var logits [][]float32
	for _, in := range inputs {
		// Sequences do not see each other, so a pass over several is a pass over each.
		logits = append(logits, s.forward(s.sequence(in.Seq), in.Tokens, numSteps, len(logits))...)
	}
	return logits, nil
}

func (s *ReferenceSession) check(inputs []ReferenceInput, numSteps int) error {
	c := s.r.Config
	if numSteps < 0 {
		return fmt.Errorf("model: num_steps is %d, want 0 or more", numSteps)
	}
	length := map[int]int{}
	for _, in := range inputs {
		q := s.sequence(in.Seq)
		at := len(q.positions) + length[in.Seq]
		length[in.Seq] += len(in.Tokens)
		if at+len(in.Tokens) > s.opt.Context {
			return fmt.Errorf("model: sequence %d would reach %d tokens, its context holds %d: %w", in.Seq, at+len(in.Tokens), s.opt.Context, ErrContextFull)
		}
		for i, token := range in.Tokens {
			if token < 0 || int(token) >= c.PaddedVocabSize {
				return fmt.Errorf("model: token %d of sequence %d is %d, the vocabulary has %d", at+i, in.Seq, token, c.PaddedVocabSize)
			}
			if q.setting.States != nil {
				if got := len(q.setting.States(at + i)); got != c.NEmbd {
					return fmt.Errorf("model: the initial state of position %d has %d elements, want %d", at+i, got, c.NEmbd)
				}
			}
		}
	}
	return nil
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
