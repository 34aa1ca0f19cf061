package reference

import (
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/shaders/plain"
)

// Do does a task in plain Go. After an error of the task nothing has changed.
func (s *Session) Do(a *decode.Task) error {
	q := s.sequence(a.Seq)
	q.carried = false
	return s.do(q, a, 0)
}

// do is the model, top to bottom. row0 is the number of the first row for taps.
func (s *Session) do(q *refSequence, a *decode.Task, row0 int) error {
	r, tap := s.r, s.tapper(row0)
	err := a.Check(len(q.positions), s.opt.Context, r.Config.PaddedVocabSize, func(pos int) bool { _, ok := q.live[pos]; return ok })
	if err != nil {
		return err
	}
	starts, err := s.starts(q, a) // (S, d), before the sequence changes
	if err != nil {
		return err
	}
	s.hold(q, a)
	at := make([]int, len(a.Rows))
	for i, row := range a.Rows {
		at[i] = row.Pos
	}

	embeds := s.embeds(q, a, tap) // (S, d)
	if !r.Config.StartsDrawn() {
		for i, row := range a.Rows {
			if row.From == decode.FromInitial {
				starts[i] = embeds[i]
			}
		}
	}
	tap("state.r0", starts)
	state := s.mix(q, a, starts)
	a.Taken = 0
	exit := s.newExit(a, starts)
	for t := range a.Steps {
		name := fmt.Sprintf("step%d.", t+1)
		state = s.noise(q, a, state, t)
		if r.Config.Adapter() {
			state = r.adapter.times(concat(state, embeds), r.adapterBias)
			tap(name+"adapter", state)
		}
		for i, b := range r.core {
			name := fmt.Sprintf("%score.%d", name, i)
			state = r.block(b, state, at, q.coreCache(i, a.Rows, t, s.opt.Lookup), name, tap)
		}
		tap(fmt.Sprintf("state.r%d", t+1), state)
		a.Taken++
		if exit.done(t, state, func() []float64 { return s.logits(q, at, state, 1, func(string, [][]float64) {})[0] }) {
			break
		}
	}

	a.Passes, a.RowSteps = a.Taken, a.Taken*len(a.Rows)
	if err := s.choose(q, a, s.logits(q, at, state, a.Outputs, tap)); err != nil {
		return err
	}
	s.compare(q, a, starts, state)
	live := map[int]refRow{}
	for pos, row := range q.live {
		if a.Keep && pos < at[0] {
			live[pos] = row
		}
	}
	for i, pos := range at {
		if a.Last && i < len(at)-1 {
			continue
		}
		live[pos] = refRow{state[i], embeds[i]}
	}
	q.live = live
	return nil
}

// hold makes the sequence end with the task's rows, which keep the slots of the steps that lie behind them.
func (s *Session) hold(q *refSequence, a *decode.Task) {
	r := s.r
	for _, row := range a.Rows {
		if row.Pos == len(q.positions) {
			q.tokens = append(q.tokens, row.Token)
			q.positions = append(q.positions, refPosition{
				prelude: make([]refKV, len(r.prelude)),
				core:    make([][]refKV, len(r.core)),
				coda:    make([]refKV, len(r.coda)),
			})
		}
		q.tokens[row.Pos] = row.Token
		for i, slots := range q.positions[row.Pos].core {
			q.positions[row.Pos].core[i] = slots[:min(len(slots), s.opt.Lookup.Stored(row.Step))]
		}
	}
	end := a.Rows[len(a.Rows)-1].Pos + 1
	q.tokens, q.positions = q.tokens[:end], q.positions[:end]
}

// starts: where the rows' core steps start from, before anything is mixed in.
func (s *Session) starts(q *refSequence, a *decode.Task) ([][]float64, error) {
	starts := newRows(len(a.Rows), s.r.Config.NEmbd)
	for i, row := range a.Rows {
		set := q.setting
		before := q.live[row.Source()].state
		switch {
		case row.From == decode.FromOwn:
			copy(starts[i], q.live[row.Pos].state)
		case row.From == decode.FromNormed:
			copy(starts[i], rmsNorms([][]float64{before}, s.r.lnF, s.r.Config.NormEps)[0])
		case row.From == decode.FromPrevious:
			copy(starts[i], before)
		case set.States != nil:
			given := set.States(row.Pos)
			if len(given) != len(starts[i]) {
				return nil, fmt.Errorf("model: the initial state of position %d has %d elements, want %d", row.Pos, len(given), len(starts[i]))
			}
			starts[i] = plain.Widen(given)
		default:
			starts[i] = normals(s.r.Config, set, plain.KindInitial, row.Pos, 0)
		}
	}
	return starts, nil
}

// embeds: those of rows begun now, through the prelude, and those that the others have.
func (s *Session) embeds(q *refSequence, a *decode.Task, tap refTap) [][]float64 {
	var tokens []int32
	var at []int
	for _, row := range a.Rows {
		if row.Begin {
			tokens, at = append(tokens, row.Token), append(at, row.Pos)
		}
	}
	var fresh [][]float64
	if len(at) > 0 {
		fresh = s.r.embed(tokens)
		tap("embed", fresh)
		for i, b := range s.r.prelude {
			fresh = s.r.block(b, fresh, at, oneSlot(q, func(p *refPosition) *refKV { return &p.prelude[i] }), fmt.Sprintf("prelude.%d", i), tap)
		}
	}
	embeds := make([][]float64, len(a.Rows))
	for i, row := range a.Rows {
		old := q.live[row.Pos].embeds
		if !row.Begin {
			embeds[i] = old
			continue
		}
		embeds[i], fresh = fresh[0], fresh[1:]
		if a.EMA > 0 {
			for j := range embeds[i] {
				embeds[i][j] *= 1 - a.EMA
				if old != nil {
					embeds[i][j] += a.EMA * old[j]
				}
			}
		}
	}
	return embeds
}

// mix puts a share of a fresh state into the rows that ask for it.
func (s *Session) mix(q *refSequence, a *decode.Task, starts [][]float64) [][]float64 {
	state := slices.Clone(starts)
	for i, row := range a.Rows {
		if row.Mix > 0 {
			state[i] = plain.Blend(state[i], normals(s.r.Config, q.setting, plain.KindMixed, row.Pos, uint32(a.Draw)), row.Mix)
		}
	}
	return state
}

// noise is the state with a step's noise in it.
func (s *Session) noise(q *refSequence, a *decode.Task, state [][]float64, t int) [][]float64 {
	if a.Noise.Weight == 0 {
		return state
	}
	noisy := make([][]float64, len(state))
	for i, row := range a.Rows {
		step := row.Step + t
		which := uint32(a.Draw)<<16 | uint32(step)
		u := plain.Uniform(decode.SequenceKey(q.setting.Seed, q.setting.Stream), uint32(row.Pos), plain.KindNoiseChi, which)
		noisy[i] = plain.Blend(state[i], normals(s.r.Config, q.setting, plain.KindNoise, row.Pos, which), share(s.r.Config, a.Noise, step, u))
	}
	return rmsNorms(noisy, s.r.core[len(s.r.core)-1].norm4, s.r.Config.NormEps)
}

// stateScale is the standard deviation of a value of an initial state at an InitScale of 1.
func stateScale(c arch.Config) float64 { return c.StateStd() * c.EmbedScale() }

// share is how much of the state the noise takes before the core step of an index, counted from 0: the state becomes
// (1 - share) state + share noise. u is the step's number in (0, 1), which type chi alone asks for.
func share(c arch.Config, n decode.StateNoise, step int, u float64) float64 {
	return plain.NoiseShare(n.Type.Plain(), n.Weight*stateScale(c), step, c.MeanRecurrence, u)
}

// normals draws a state (d), rounded to float32 as the kernels compute it: of standard deviation stateScale times InitScale, cut
// at 3 of them; for KindNoise a plain normal one. It depends on its arguments alone, so a token starts from the same state however
// the work is scheduled, drafted or repeated.
func normals(c arch.Config, set decode.Sequence, kind plain.Kind, pos int, which uint32) []float64 {
	cut, scale := float64(plain.InitialCut), stateScale(c)*set.InitScale
	if kind == plain.KindNoise {
		cut, scale = 0, 1
	}
	v := make([]float64, c.NEmbd)
	plain.Normals(v, decode.SequenceKey(set.Seed, set.Stream), uint32(pos), kind, which, cut, scale)
	return plain.Widen(narrow(v))
}

// logits of the last rows of a task: ln_f, coda over all rows, ln_f again, head. (outputs, V)
func (s *Session) logits(q *refSequence, at []int, state [][]float64, outputs int, tap refTap) [][]float64 {
	r, eps := s.r, s.r.Config.NormEps
	x := rmsNorms(state, r.lnF, eps)
	tap("lnf_state", x)
	for i, b := range r.coda {
		x = r.block(b, x, at, oneSlot(q, func(p *refPosition) *refKV { return &p.coda[i] }), fmt.Sprintf("coda.%d", i), tap)
	}
	x = rmsNorms(x[len(x)-outputs:], r.lnF, eps) // the same weight again
	tap("lnf_out", x)
	logits := r.lmHead.times(x, nil)
	tap("logits", logits)
	return logits
}
