package reference

import (
	"cmp"
	"fmt"
	"maps"

	"muninn/model/decode"
)

// Options are a reference session's. The zero value is a session of the `latest-m4` strategy.
type Options struct {
	Lookup  decode.Lookup
	Context int // positions of each sequence; block_size
	// Tap, if set, is given every named tensor of a pass, a row at a time: `embed`, `prelude.I`, `state.rN` (after N
	// steps), `stepN.adapter`, `stepN.core.I` (steps count from 1), `lnf_state`, `coda.I`, `lnf_out`, `logits`, and inside
	// a block `BLOCK.norm_1`, `.attn.Wqkv`, `.attn`, `.norm_2`, `.norm_3`, `.mlp`. Rows count through a pass's inputs.
	Tap func(name string, row int, v []float32)
}

// Input is a stretch of tokens to go on a sequence with.
type Input struct {
	Seq    int
	Tokens []int32
}

// reference.Session is a number of sequences and their KV cache. It is not safe for concurrent use.
type Session struct {
	r    *Model
	opt  Options
	seqs map[int]*refSequence
}

// refSequence is one timeline.
type refSequence struct {
	setting   decode.Sequence
	tokens    []int32
	positions []refPosition
	live      map[int]refRow // live rows, by position
	deltas    [][]float64    // (rows, d) of the last task's Compare
	compared  bool           // the last task had one
	carried   bool           // the last token is that of a Forward that no Rewind has undone
}

// refRow is a live row: where the last task left it.
type refRow struct{ state, embeds []float64 } // (d) each

// refPosition is what the cache holds of one position.
type refPosition struct {
	prelude, coda []refKV   // by block
	core          [][]refKV // by block, then slot
}

type refKV struct{ k, v []float64 } // (d) each, k after rope

// NewSession starts a session without tokens.
func (r *Model) NewSession(o Options) (*Session, error) {
	if o.Lookup.Rule == 0 {
		var err error
		if o.Lookup, err = decode.ParseLookup(decode.DefaultLookup, r.Config.NLayersInRecurrentBlock); err != nil {
			return nil, err
		}
	}
	o.Context = cmp.Or(o.Context, r.Config.BlockSize)
	return &Session{r: r, opt: o, seqs: map[int]*refSequence{}}, nil
}

// SetSequence sets how the tokens of sequence seq start from here on. Without it, a sequence starts from generated states
// of seed 0 and its own number as stream.
func (s *Session) SetSequence(seq int, setting decode.Sequence) { s.sequence(seq).setting = setting }

func (s *Session) sequence(seq int) *refSequence {
	q := s.seqs[seq]
	if q == nil {
		q = &refSequence{setting: decode.Sequence{Stream: uint64(seq), InitScale: 1}, live: map[int]refRow{}}
		s.seqs[seq] = q
	}
	return q
}

// Pos is the number of tokens that sequence seq holds: the position of its next token.
func (s *Session) Pos(seq int) int { return len(s.sequence(seq).positions) }

// Rewind drops the tokens of sequence seq from position pos on.
func (s *Session) Rewind(seq, pos int) error {
	q := s.sequence(seq)
	if pos < 0 || pos > len(q.positions) {
		return fmt.Errorf("model: rewind of sequence %d to position %d: it holds %d tokens", seq, pos, len(q.positions))
	}
	q.carried = q.carried && pos == len(q.positions)
	q.tokens, q.positions = q.tokens[:pos], q.positions[:pos]
	maps.DeleteFunc(q.live, func(at int, _ refRow) bool { return at >= pos })
	return nil
}

// Tokens are the tokens that sequence seq holds.
func (s *Session) Tokens(seq int) []int32 { return s.sequence(seq).tokens }

// Context is the number of positions of each sequence.
func (s *Session) Context() int { return s.opt.Context }

// Rows is the number of rows of a task at most.
func (s *Session) Rows() int { return s.opt.Context }

// Lookup is the session's cache lookup strategy.
func (s *Session) Lookup() decode.Lookup { return s.opt.Lookup }

// Stored counts the positions of sequence seq that hold slot `slot` of core block `block`.
func (s *Session) Stored(seq, block, slot int) int {
	n := 0
	for _, p := range s.sequence(seq).positions {
		if slot < len(p.core[block]) {
			n++
		}
	}
	return n
}

// Forward runs the inputs' tokens with numSteps core steps each and gives the logits of every row (V), in order. After
// an error the inputs before the one that is wrong have run.
func (s *Session) Forward(inputs []Input, numSteps int) ([][]float32, error) {
	var logits [][]float32
	for _, in := range inputs {
		if len(in.Tokens) == 0 {
			continue
		}
		// Sequences do not see each other, so a pass over several is a pass over each.
		q := s.sequence(in.Seq)
		a := &decode.Task{Seq: in.Seq, Rows: s.freshRows(q, in.Tokens), Steps: numSteps, Outputs: len(in.Tokens)}
		at := len(logits)
		a.Logits = func(rows [][]float32) { logits = append(logits, rows...) }
		if err := s.do(q, a, at); err != nil {
			return nil, err
		}
		q.carried = true
	}
	return logits, nil
}

// freshRows are rows of new tokens. Continuous compute starts a decoded token, not a prompt, where the last one ended.
func (s *Session) freshRows(q *refSequence, tokens []int32) []decode.TaskRow {
	rows := make([]decode.TaskRow, len(tokens))
	for i, token := range tokens {
		rows[i] = decode.TaskRow{Pos: len(q.positions) + i, Token: token, Begin: true}
	}
	if q.setting.ContinuousCompute && q.carried && len(tokens) == 1 {
		rows[0].From = decode.FromNormed
	}
	return rows
}
