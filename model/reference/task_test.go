package reference

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
)

func do(t *testing.T, e decode.Engine, a decode.Task) *decode.Task {
	t.Helper()
	if err := e.Do(&a); err != nil {
		t.Fatal(err)
	}
	return &a
}

func beginRows(from int, tokens ...int32) []decode.TaskRow {
	rows := make([]decode.TaskRow, len(tokens))
	for i, token := range tokens {
		rows[i] = decode.TaskRow{Pos: from + i, Token: token, Begin: true}
	}
	return rows
}

// again are live rows to go on with.
func again(rows []decode.TaskRow, step int) []decode.TaskRow {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Begin, rows[i].From, rows[i].Step = false, decode.FromOwn, step
	}
	return rows
}

// latents are the final states of the session's live rows.
func latents(s *Session, rows []decode.TaskRow) (states [][]float64) {
	for _, row := range rows {
		states = append(states, s.sequence(0).live[row.Pos].state)
	}
	return states
}

func worstState(a, b [][]float64) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, norm(minus(a[i], b[i])))
	}
	return worst
}

// TestTaskGoesOn: core steps in two tasks, or one by one and then together, are those of one task.
func TestTaskGoesOn(t *testing.T) {
	r := tinyReference(t, 3)
	rows := beginRows(2, 8, 9, 10)
	noise := decode.StateNoise{Weight: 0.4, Type: decode.NoiseGeom}
	whole := tinySession(t, r, "full")
	do(t, whole, decode.Task{Rows: beginRows(0, 5, 6), Steps: 7, Noise: noise, Outputs: 1})
	want := do(t, whole, decode.Task{Rows: rows, Steps: 7, Noise: noise, Outputs: 3})

	split := tinySession(t, r, "full")
	do(t, split, decode.Task{Rows: beginRows(0, 5, 6), Steps: 7, Noise: noise, Outputs: 1})
	for i := range rows {
		do(t, split, decode.Task{Rows: rows[i : i+1], Keep: i > 0, Steps: 3, Noise: noise, Outputs: 1})
	}
	got := do(t, split, decode.Task{Rows: again(rows, 3), Steps: 4, Noise: noise, Outputs: 3})
	if worst := worstState(latents(split, rows), latents(whole, rows)); worst > 1e-9 {
		t.Errorf("states off by %g", worst)
	}
	if !reflect.DeepEqual(got.Choices, want.Choices) || got.Choices[0].Steps != 7 {
		t.Errorf("choices %+v, want %+v", got.Choices, want.Choices)
	}
	if err := split.Do(&decode.Task{Rows: again(rows[:2], 7), Steps: 1}); err != nil || split.Pos(0) != 4 {
		t.Errorf("error %v, %d tokens: want the sequence to end with the ask's rows", err, split.Pos(0))
	}
	for name, a := range map[string]decode.Task{
		"is not in flight": {Rows: again(beginRows(4, 10), 7)}, // left out by the last
		"starts from position 1, which is not in flight": {Rows: []decode.TaskRow{{Pos: 2, Token: 1, Begin: true, From: decode.FromPrevious}}},
		"starts from position 0":                         {Rows: []decode.TaskRow{{Pos: 3, Token: 1, Begin: true, From: decode.FromNormed, Back: 3}}},
		"no rows":                                        {},
		"from position 9 on":                             {Rows: beginRows(9, 1)},
		"row 1 is at position 0":                         {Rows: []decode.TaskRow{{Begin: true}, {Begin: true}}},
		"vocabulary has 40":                              {Rows: beginRows(0, 40)},
		"given token 0 is 99":                            {Rows: beginRows(0, 1), Outputs: 1, Given: []int32{99}},
		"2 outputs of 1 rows":                            {Rows: beginRows(0, 1), Outputs: 2},
		"1 given tokens for 0 outputs":                   {Rows: beginRows(0, 1), Given: []int32{1}},
		"num_steps is -1":                                {Rows: beginRows(0, 1), Steps: -1},
		"test_time_noise_type":                           {Rows: beginRows(0, 1), Noise: decode.StateNoise{Weight: 1, Type: "loud"}},
		"one of them at a time":                          {Rows: beginRows(0, 1), Exit: &decode.Exit{}, Compare: decode.CompareDifference},
		"which starts anew itself":                       {Rows: slices.Concat(beginRows(3, 1), []decode.TaskRow{{Pos: 4, Begin: true, From: decode.FromPrevious}})},
		"bad exit":                                       {Rows: beginRows(0, 1), Exit: &decode.Exit{}},
		"context full":                                   {Rows: beginRows(0, make([]int32, 65)...)},
	} {
		if err := split.Do(&a); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q", err, name)
		}
	}
	if split.Pos(0) != 4 {
		t.Errorf("%d tokens after refused asks, want 4", split.Pos(0))
	}
}

// TestTaskEmbeds: ema mixes a row's embeds with those it had, which are zero for a new row.
func TestTaskEmbeds(t *testing.T) {
	s := tinySession(t, tinyReference(t, 3), "full")
	embeds := func(pos int) []float64 { return slices.Clone(s.sequence(0).live[pos].embeds) }
	do(t, s, decode.Task{Rows: beginRows(0, 5), Steps: 1})
	first := embeds(0)
	do(t, s, decode.Task{Rows: beginRows(0, 6, 7), Steps: 1})
	second, beside := embeds(0), embeds(1)
	do(t, s, decode.Task{Rows: beginRows(0, 5), Steps: 1})
	do(t, s, decode.Task{Rows: beginRows(0, 6, 7), Steps: 1, EMA: 0.25})
	for j, got := range embeds(0) {
		if want := 0.75*second[j] + 0.25*first[j]; math.Abs(got-want) > 1e-12 {
			t.Fatalf("embeds[%d] is %g, want %g", j, got, want)
		}
		if got, want := embeds(1)[j], 0.75*beside[j]; math.Abs(got-want) > 1e-12 {
			t.Fatalf("a new row's embeds[%d] is %g, want %g", j, got, want)
		}
	}
}

// TestTaskChanges: changes are from where a row, shifted, started; accelerations from the last task's changes, by number.
func TestTaskChanges(t *testing.T) {
	s := tinySession(t, tinyReference(t, 3), "full")
	rows := beginRows(0, 5, 6, 7)
	do(t, s, decode.Task{Rows: rows, Steps: 1})
	start := latents(s, rows)
	a := do(t, s, decode.Task{Rows: again(rows, 1), Steps: 1, Compare: decode.CompareAcceleration, Shift: 1})
	middle := latents(s, rows)
	if len(a.Changes) != 2 {
		t.Fatalf("%d changes of three rows shifted by one, want 2", len(a.Changes))
	}
	for i, got := range a.Changes {
		if want := norm(minus(middle[i], start[i+1])) / norm(middle[i]); math.Abs(float64(got)-want) > 1e-6 {
			t.Errorf("first acceleration %d is %g, want the change itself: %g", i, got, want)
		}
	}
	a = do(t, s, decode.Task{Rows: again(rows, 2), Steps: 1, Compare: decode.CompareAcceleration})
	end := latents(s, rows)
	if len(a.Changes) != 2 {
		t.Fatalf("%d accelerations, want 2: the third row had no change", len(a.Changes))
	}
	for i, got := range a.Changes {
		d, last := minus(end[i], middle[i]), minus(middle[i], start[i+1])
		if want := norm(minus(d, last)) / norm(end[i]); math.Abs(float64(got)-want) > 1e-6 {
			t.Errorf("acceleration %d is %g, want %g", i, got, want)
		}
	}
	a = do(t, s, decode.Task{Rows: again(rows, 3), Steps: 0, Compare: decode.CompareDifference})
	if !slices.Equal(a.Changes, []float32{0, 0, 0}) {
		t.Errorf("changes %v after no step, want none", a.Changes)
	}
}

// TestTaskNoise: noise of a position depends on its key, step and draw alone, and is what its type says.
func TestTaskNoise(t *testing.T) {
	r := tinyReference(t, 3)
	states := map[string][]float64{}
	for name, a := range map[string]decode.Task{
		"none":     {},
		"fixed":    {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseFixed}},
		"again":    {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseFixed}},
		"geom":     {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseGeom}},
		"sqrt":     {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseSqrt}},
		"line":     {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseLine}},
		"chi":      {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseChi}},
		"new draw": {Noise: decode.StateNoise{Weight: 0.4, Type: decode.NoiseFixed}, Draw: 1},
		"mixed":    {Rows: []decode.TaskRow{{Token: 5, Begin: true, Mix: 0.5}}},
	} {
		if a.Rows == nil {
			a.Rows = beginRows(0, 5)
		}
		a.Steps = 3
		s := tinySession(t, r, "full")
		do(t, s, a)
		states[name] = latents(s, a.Rows)[0]
	}
	for name, state := range states {
		for other, than := range states {
			same := norm(minus(state, than)) < 1e-9
			if want := name == other || name+other == "fixedagain" || name+other == "againfixed"; same != want {
				t.Errorf("%s and %s: same state %t, want %t", name, other, same, want)
			}
		}
	}
	c := arch.Config{NEmbd: 4, MeanRecurrence: 8}
	n := 0.4 * c.StateStd() * 2
	for noise, want := range map[decode.NoiseType]float64{"": n, decode.NoiseFixed: n, decode.NoiseGeom: n / 4, decode.NoiseSqrt: n / 2, decode.NoiseLine: 5.0 / 8, decode.NoiseChi: 2 * n * 0.3} {
		if got := share(c, decode.StateNoise{Weight: 0.4, Type: noise}, 3, 0.3); math.Abs(got-want) > 1e-12 {
			t.Errorf("share of %q before the fourth step is %g, want %g", noise, got, want)
		}
	}
}
