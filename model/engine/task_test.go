package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/reference"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// askedSequence is a sequence of random tasks as the test knows it.
type taskSequence struct {
	rng    *rand.Rand
	seq    int
	tokens []int32
	flying []decode.TaskRow // live rows, ascending, with the steps behind them
}

const (
	taskContext  = 20
	taskMaxSteps = 12
)

// next makes up a task: live rows that go on, begun again or not, and new ones behind them, or only new ones.
func (q *taskSequence) next() *decode.Task {
	rng := q.rng
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	a := &decode.Task{Seq: q.seq, Steps: rng.IntN(5), Draw: rng.IntN(3)}
	pos := len(q.tokens)
	kept := 0
	for chance(75) && kept < len(q.flying) && q.flying[len(q.flying)-1-kept].Pos == pos-1-kept {
		kept++
	}
	again := chance(50)
	for _, r := range q.flying[len(q.flying)-kept:] {
		r.From, r.Begin, r.Back, r.Mix = decode.FromOwn, again, 0, 0
		if again {
			r.Step = 0
			if chance(30) {
				r.Token = int32(rng.IntN(200))
			}
		}
		if chance(25) {
			r.Mix = rng.Float64()
		}
		a.Rows = append(a.Rows, r)
	}
	a.Keep = kept > 0 && chance(50)
	fresh := rng.IntN(4)
	if kept == 0 {
		fresh++
	}

	normed := false // one of a task at most
	for range min(fresh, taskContext-pos) {
		r := decode.TaskRow{Pos: pos, Token: int32(rng.IntN(200)), Begin: true}
		if back := 1 + rng.IntN(2); len(q.flying) > 0 && chance(60) {
			source := pos - back
			flies := slices.ContainsFunc(q.flying, func(f decode.TaskRow) bool { return f.Pos == source })
			switch {
			case !flies:
			case chance(70):
				r.From, r.Back = decode.FromPrevious, back
			case !normed:
				r.From, r.Back, normed = decode.FromNormed, back, true
			}
		}
		if chance(25) {
			r.Mix = rng.Float64()
		}
		a.Rows = append(a.Rows, r)
		pos++
	}
	n := len(a.Rows)
	if n == 0 {
		return nil
	}
	for _, r := range a.Rows {
		a.Steps = min(a.Steps, taskMaxSteps-r.Step)
	}
	a.Outputs = rng.IntN(n + 1)
	if chance(40) {
		a.EMA = rng.Float64()
	}
	if chance(25) {
		a.Noise = decode.StateNoise{Weight: 0.3, Type: decode.NoiseGeom}
	}
	if chance(40) {
		a.Compare, a.Shift = decode.Compare(1+rng.IntN(2)), rng.IntN(3)
	}
	if a.Compare == decode.CompareNone && chance(70) {
		criteria := decode.CriteriaOf(arch.Config{}) // but the gate
		c := criteria[rng.IntN(len(criteria))]
		e := decode.Exit{Criterion: c.Name, MinSteps: rng.IntN(2), Every: rng.IntN(3), Prefill: true, Threshold: 0.3}
		switch {
		case c.AtLeast:
			e.Threshold = 1
		case c.Name == decode.MinPKL: // jumps where a probability passes a tenth of the largest, wherever float32 puts it
			e.Criterion = decode.KL
		}
		a.Exit = &e
	}
	a.Last = chance(20)
	a.Top = 7 * rng.IntN(3)
	if chance(40) {
		a.Pick = &decode.Filters{Greedy: true, RepetitionPenalty: 1.3, FrequencyPenalty: 0.2, PresencePenalty: 0.5, Bias: map[int32]float32{3: -50, 9: 0.75}}
		a.Begun = rng.IntN(pos)
	}
	if a.Score = chance(40); a.Score {
		for range a.Outputs {
			a.Given = append(a.Given, int32(rng.IntN(200)))
		}
	}
	return a
}

// took takes what came of a task into account.
func (q *taskSequence) took(a *decode.Task) {
	var live []decode.TaskRow
	for _, r := range q.flying {
		if a.Keep && r.Pos < a.Rows[0].Pos {
			live = append(live, r)
		}
	}
	for i, r := range a.Rows {
		r.Step += a.Taken
		if !a.Last || i == len(a.Rows)-1 {
			live = append(live, r)
		}
		q.tokens = append(q.tokens[:r.Pos], r.Token)
	}
	q.flying = live
}

// watched is what a task hands out on the way.
type watched struct {
	steps  []int
	values []float64
	logits [][]float32
}

// watch is the task with its callbacks set.
func watch(a decode.Task) (*decode.Task, *watched) {
	w := &watched{}
	a.Logits = func(rows [][]float32) { w.logits = append(w.logits, rows...) }
	if a.Exit != nil {
		e := *a.Exit
		e.Values = func(step int, value float64) { w.steps, w.values = append(w.steps, step), append(w.values, value) }
		a.Exit = &e
	}
	return &a, w
}

// TestDeviceTasks: tasks of every kind, several at once, come to what they come to in the reference one by one.
func TestDeviceTasks(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		rounds := testSize(t, "MUNINN_TEST_ASKS", 40, 8)
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{Kernels: shaders.Options{Activations: shaders.FloatActivations}})
		r := openReference(t, golden.Model(t, "C-f16"))
		for i, name := range []string{"latest-m4", "latest-m4-compress-s4", "always-last-m4"} {
			lookup, err := decode.ParseLookup(name, m.Config.NLayersInRecurrentBlock)
			if err != nil {
				t.Fatal(err)
			}
			const side = 3
			s := session(t, m, engine.SessionOptions{Sequences: side, Context: taskContext, MaxSteps: taskMaxSteps, Rows: 48, Outputs: 48, Exits: true,
				Compares: taskContext, Lookup: lookup})
			reference, err := r.NewSession(reference.Options{Lookup: lookup, Context: taskContext})
			if err != nil {
				t.Fatal(err)
			}
			var seqs [side]*taskSequence
			for q := range seqs {
				seqs[q] = &taskSequence{rng: rand.New(rand.NewPCG(uint64(i), uint64(q))), seq: q}
				s.SetSequence(q, setting(q))
				reference.SetSequence(q, setting(q))
			}
			for chosen := range rounds {
				var tasks []*decode.Task
				var saw []*watched
				for _, q := range seqs {
					if len(q.tokens) == taskContext || q.rng.IntN(8) == 0 { // begins anew
						q.tokens, q.flying = nil, nil
						if err := s.Rewind(q.seq, 0); err != nil {
							t.Fatal(err)
						}
						if err := reference.Rewind(q.seq, 0); err != nil {
							t.Fatal(err)
						}
					}
					if a := q.next(); a != nil && q.rng.IntN(4) > 0 {
						a, w := watch(*a)
						tasks, saw = append(tasks, a), append(saw, w)
					}
				}
				if len(tasks) == 0 {
					continue
				}
				if err := s.Do(context.Background(), tasks...); err != nil {
					t.Fatalf("%s, round %d: %v", name, chosen, err)
				}
				for k, a := range tasks {
					b, want := watch(*a)
					if err := reference.Do(b); err != nil {
						t.Fatalf("%s, round %d: the reference: %v", name, chosen, err)
					}
					if problem := sameOutcome(a, b, saw[k], want); problem != "" {
						t.Fatalf("%s, round %d, sequence %d: %s\n%+v\n%+v", name, chosen, a.Seq, problem, *a, a.Exit)
					}
					seqs[a.Seq].took(a)
				}
			}
		}
	})
}

// TestDeviceTaskChunks: a long prompt is cut into chunks, whose steps add up; rows that go on are not, and say which room they need.
func TestDeviceTaskChunks(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Sequences: 1, Context: taskContext, MaxSteps: taskMaxSteps, Rows: 4, Outputs: 4})
		rows := make([]decode.TaskRow, 6)
		for i := range rows {
			rows[i] = decode.TaskRow{Pos: i, Token: int32(i), Begin: true}
		}
		prompt := &decode.Task{Rows: rows, Last: true, Steps: 2}
		if err := s.Do(context.Background(), prompt); err != nil {
			t.Fatal(err)
		}
		if prompt.Taken != 2 || prompt.Passes != 4 || prompt.RowSteps != 12 {
			t.Errorf("6 rows in passes of 4: %d steps, %d passes, %d steps of rows", prompt.Taken, prompt.Passes, prompt.RowSteps)
		}
		rows[0].Pos = 5
		rows[0].From = decode.FromOwn // the one live
		for i := 1; i < len(rows); i++ {
			rows[i].Pos = 5 + i
		}
		rows[5].From, rows[5].Back = decode.FromPrevious, 5
		err := s.Do(context.Background(), &decode.Task{Rows: rows, Last: true, Steps: 2})
		if err == nil || !strings.Contains(err.Error(), "6 rows") {
			t.Errorf("rows that start from one of a chunk before: error %v", err)
		}
		if s.Pos(0) != 6 {
			t.Errorf("%d tokens after a refused ask, want 6", s.Pos(0))
		}
	})
}
