package decode

import "testing"

// TestHistory: positions stand for a prefill if they were run at its depth from their own start, in one go or in several, and all before
// them too.
func TestHistory(t *testing.T) {
	const steps = 6
	fresh := func(pos int) TaskRow { return TaskRow{Pos: pos, Begin: true} }
	on := func(pos, step int) TaskRow { return TaskRow{Pos: pos, From: FromOwn, Step: step} }
	prompt := func(h *History) { h.Add(&Task{}, []TaskRow{fresh(0), fresh(1)}, steps) }
	noise := StateNoise{Weight: 0.1}
	type add struct {
		task  Task
		rows  []TaskRow
		taken int
	}
	for name, c := range map[string]struct {
		adds []add
		want int
	}{
		"decoded at the same depth": {[]add{{Task{}, []TaskRow{fresh(2)}, steps}, {Task{}, []TaskRow{fresh(3)}, steps}}, 4},
		"one left sooner":           {[]add{{Task{}, []TaskRow{fresh(2)}, steps - 1}, {Task{}, []TaskRow{fresh(3)}, steps}}, 2},
		"drafted and verified": {[]add{{Task{}, []TaskRow{fresh(2)}, 2}, {Task{Keep: true}, []TaskRow{fresh(3)}, 2},
			{Task{}, []TaskRow{on(2, 2), on(3, 2)}, steps - 2}}, 4},
		"goes on behind a row that begins anew": {[]add{{Task{}, []TaskRow{fresh(2), fresh(3)}, 2},
			{Task{}, []TaskRow{fresh(2), on(3, 2)}, steps - 2}}, 2},
		"goes on from another step than it has": {[]add{{Task{}, []TaskRow{fresh(2)}, 3}, {Task{}, []TaskRow{on(2, 2)}, steps - 2}}, 2},
		"from the state before":                 {[]add{{Task{}, []TaskRow{{Pos: 2, Begin: true, From: FromNormed}}, steps}}, 2},
		"with old embeds":                       {[]add{{Task{EMA: 0.1}, []TaskRow{fresh(2)}, steps}}, 2},
		"with a state mixed in":                 {[]add{{Task{}, []TaskRow{{Pos: 2, Begin: true, Mix: 0.1}}, steps}}, 2},
		"begun in its own state":                {[]add{{Task{}, []TaskRow{{Pos: 2, Begin: true, From: FromOwn}}, steps}}, 2},
		"with noise":                            {[]add{{Task{Noise: noise}, []TaskRow{fresh(2)}, steps}}, 2},
		"a draw without noise":                  {[]add{{Task{Draw: 3}, []TaskRow{fresh(2)}, steps}}, 3},
		"run again":                             {[]add{{Task{Noise: noise}, []TaskRow{fresh(1), fresh(2)}, steps}, {Task{}, []TaskRow{fresh(1)}, steps}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var h History
			prompt(&h)
			for _, a := range c.adds {
				h.Add(&a.task, a.rows, a.taken)
			}
			if got := h.Stands(len(h), Request{Steps: steps}, mustLookup(t, DefaultLookup)); got != c.want {
				t.Errorf("%d of %d positions stand, want %d", got, len(h), c.want)
			}
		})
	}
}

// TestHistoryStands: what a request needs of positions that were run at six steps.
func TestHistoryStands(t *testing.T) {
	var h History
	noise := StateNoise{Weight: 0.1}
	h.Add(&Task{Noise: noise}, []TaskRow{{Begin: true}, {Pos: 1, Begin: true}}, 6)
	wave := PaperWave
	wave.FullPrefill = false
	for name, c := range map[string]struct {
		req    Request
		lookup string
		want   int
	}{
		"the same":             {Request{Steps: 6, Strategy: Strategy{Noise: noise}}, DefaultLookup, 2},
		"other steps":          {Request{Steps: 5, Strategy: Strategy{Noise: noise}}, DefaultLookup, 0},
		"no noise":             {Request{Steps: 6}, DefaultLookup, 0},
		"exit behind":          {Request{Steps: 6, Strategy: Strategy{Noise: noise, Exit: &Exit{}}}, DefaultLookup, 2},
		"exit":                 {Request{Steps: 6, Strategy: Strategy{Noise: noise, Exit: &Exit{Prefill: true}}}, DefaultLookup, 0},
		"wave without prefill": {Request{Steps: 6, Strategy: Strategy{Noise: noise, Wave: &wave}}, DefaultLookup, 0},
		"wave":                 {Request{Steps: 6, Strategy: Strategy{Noise: noise, Wave: &PaperWave}}, DefaultLookup, 2},
		"enough slots":         {Request{Steps: 6, Strategy: Strategy{Noise: noise}}, "compress-s24", 2},
		"shared slots":         {Request{Steps: 6, Strategy: Strategy{Noise: noise}}, "compress-s20", 0},
	} {
		if got := h.Stands(2, c.req, mustLookup(t, c.lookup)); got != c.want {
			t.Errorf("%s: %d positions stand, want %d", name, got, c.want)
		}
	}
	if h.Forget(); h.Stands(2, Request{Steps: 6, Strategy: Strategy{Noise: noise}}, mustLookup(t, DefaultLookup)) != 0 {
		t.Error("positions stand that were forgotten")
	}
}

func mustLookup(t *testing.T, name string) Lookup {
	t.Helper()
	l, err := ParseLookup(name, 4)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
