package reference

import (
	"errors"
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
	if err := errors.Join(a.Fits(r.Config), q.setting.Fits(r.Config)); err != nil {
		return err
	}
	starts, err := s.starts(q, a) // (S, d), before the sequence changes
	if err != nil {
		return err
	}
	if s.opt.Lookup.LastOnly(a) {
		q.flatten(a.Rows[0].Pos)
	}
	s.hold(q, a)
	at := make([]refPlace, len(a.Rows))
	for i, row := range a.Rows {
		at[i] = refPlace{row.Pos, a.Sees(row.Pos)}
	}

	embeds := s.embeds(q, a, starts, tap) // (S, d)
	tap("state.r0", starts)
	state := s.mix(q, a, starts)
	a.Taken = 0
	exit, out := s.newExit(a, starts), newReadout(r, a, state)
	for t := range a.Steps {
		state = s.noise(q, a, state, t)
		state, embeds = s.step(q, a, at, t, state, embeds, tap)
		tap(fmt.Sprintf("state.r%d", t+1), state)
		a.Taken++
		out.add(t, state, tap)
		if exit.done(t, state, func() []float64 { return s.logits(q, at, state, 1, func(string, [][]float64) {})[0] }) {
			break
		}
	}

	a.Passes, a.RowSteps = a.Taken, a.Taken*len(a.Rows)
	if err := s.choose(q, a, out.steps, s.logits(q, at, out.of(state), a.Outputs, tap)); err != nil {
		return err
	}
	s.compare(q, a, starts, state)
	if a.States != nil {
		a.States(narrowRows(state))
	}
	live := map[int]refRow{}
	for pos, row := range q.live {
		if a.Keep && pos < at[0].pos {
			live[pos] = row
		}
	}
	for i, place := range at {
		if a.Last && i < len(at)-1 {
			continue
		}
		live[place.pos] = refRow{state[i], embeds[i]}
	}
	q.live = live
	return nil
}

// step is core step t: the passes over core blocks. embeds are the second state where there are two.
func (s *Session) step(q *refSequence, a *decode.Task, at []refPlace, t int, state, embeds [][]float64, tap refTap) (_, _ [][]float64) {
	r, c := s.r, s.r.Config
	name := fmt.Sprintf("step%d.", t+1)
	for n, pass := range c.Passes() {
		x := state
		switch {
		case c.Cycles > 0:
			x = plus(state, embeds)
			name = fmt.Sprintf("step%d.pass%d.", t+1, n)
		case c.Adapter():
			x = r.adapter.times(concat(state, embeds), r.adapterBias)
			for i, row := range a.Rows {
				if c.Start == arch.StartEmbedsOnly && row.Step+t == 0 {
					x[i] = embeds[i]
				}
			}
			tap(name+"adapter", x)
		}
		for i := range pass.Blocks {
			block := pass.First + i
			x = r.block(r.core[block], x, at, q.coreCache(n*c.NLayersInRecurrentBlock+block, a, t, s.opt.Lookup), fmt.Sprintf("%score.%d", name, block), tap)
		}
		if c.FinalNorm == arch.NormEachPass {
			x = rmsNorms(x, r.lnF, c.NormEps)
		}
		if pass.Second {
			embeds = x
			tap(name+"second", x)
		} else {
			state = x
		}
	}
	return state, embeds
}

// hold makes the sequence end with the task's rows, which keep the slots of the steps that lie behind them.
func (s *Session) hold(q *refSequence, a *decode.Task) {
	r := s.r
	for _, row := range a.Rows {
		if row.Pos == len(q.positions) {
			q.tokens = append(q.tokens, row.Token)
			q.positions = append(q.positions, refPosition{
				prelude: make([]refKV, len(r.prelude)),
				core:    make([][]refKV, len(r.core)*len(r.Config.Passes())),
				coda:    make([]refKV, len(r.coda)),
			})
		}
		q.tokens[row.Pos] = row.Token
		for i, slots := range q.positions[row.Pos].core {
			stored := s.opt.Lookup.Stored(row.Step)
			if s.opt.Lookup.LastOnly(a) {
				stored = min(stored, 1)
			}
			q.positions[row.Pos].core[i] = slots[:min(len(slots), stored)]
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

// embeds: those of rows begun now, through the prelude, and those that the others have. Rows that start from their embeds find them
// in starts. Where there is a second state, it is what comes back in their place.
func (s *Session) embeds(q *refSequence, a *decode.Task, starts [][]float64, tap refTap) [][]float64 {
	var tokens []int32
	var at []refPlace
	for _, row := range a.Rows {
		if row.Begin {
			tokens, at = append(tokens, row.Token), append(at, refPlace{row.Pos, a.Sees(row.Pos)})
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
		if !s.r.Config.StartsDrawn() && row.From == decode.FromInitial {
			starts[i] = slices.Clone(embeds[i])
		}
		if s.r.second != nil {
			embeds[i] = plain.Widen(s.r.second)
			continue
		}
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

// logits of the last rows of a task: ln_f, coda over all rows, ln_f again, head, as far as the family has them. (outputs, V)
func (s *Session) logits(q *refSequence, at []refPlace, state [][]float64, outputs int, tap refTap) [][]float64 {
	r, x, eps := s.r, state, s.r.Config.NormEps
	if r.Config.FinalNorm == arch.NormAroundCoda {
		x = rmsNorms(x, r.lnF, eps)
		tap("lnf_state", x)
	}
	for i, b := range r.coda {
		x = r.block(b, x, at, oneSlot(q, func(p *refPosition) *refKV { return &p.coda[i] }), fmt.Sprintf("coda.%d", i), tap)
	}
	x = x[len(x)-outputs:]
	if r.Config.FinalNorm != arch.NormEachPass {
		x = rmsNorms(x, r.lnF, eps) // the same weight again
	}
	tap("lnf_out", x)
	logits := r.lmHead.times(x, nil)
	tap("logits", logits)
	return logits
}
