package ref

import (
	"math"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// distance is how far s has come from older by d, and what that changed since the last difference, each (d) long: d, the sums
// s^2, d^2 and (d - last)^2, and how large the last is when its terms do not cancel.
func distance(s, older []float32, last []float64) (d []float64, sums, size [3]float64) {
	for i, v := range plain.Widen(s) {
		diff := v - float64(older[i])
		d = append(d, diff)
		around := math.Abs(diff) + math.Abs(last[i])
		for k, term := range [3]float64{v * v, diff * diff, (diff - last[i]) * (diff - last[i])} {
			sums[k] += term
		}
		size[2] += around * around
	}
	return d, sums, size
}

func compareCases() []Case {
	return each(Case{Op: "compare", Limit: normLimit, Why: "float32 differences, and sums of their squares"}, normSizes(0), compareTrial)
}

func compareTrial(t *trial, s normSize) {
	cells := s.n + 3 // of state, of what it was, and of differences
	kv := t.values("kept", uniform, cells, s.d)
	var pairs []shaders.Pair
	for n := range uint32(s.n) {
		p := shaders.Pair{Cell: uint32(cells) - 1 - n, From: (n*5 + 2) % uint32(cells), Kept: (n + 2) % uint32(cells), Fresh: (int(n)+s.d)%3 == 0}
		if p.Fresh {
			copy(kv[int(p.Kept)*s.d:], filler(s.d))
		}
		pairs = append(pairs, p)
	}
	state, older, kept := t.drawn("state", s.family, cells, s.d), t.drawn("older", s.family, cells, s.d), t.inout("kept", kv, s.d)
	list, distances := t.buffer("pairs", packed(pairs, shaders.PairBytes), false), t.blank("distances", len(pairs)*shaders.DistanceBytes)
	wantKept := plain.Widen(kv)
	var want reference
	for _, p := range pairs {
		last := wantKept[int(p.Kept)*s.d:][:s.d]
		if p.Fresh {
			clear(last)
		}
		d, sums, size := distance(state.x[int(p.Cell)*s.d:][:s.d], older.x[int(p.From)*s.d:][:s.d], last)
		copy(last, d)
		want.value, want.size = append(want.value, sums[:]...), append(want.size, size[:]...)
	}
	t.check(func(r *shaders.Recorder) {
		r.Compare(distances.data, state.Tensor, older.Tensor, kept.Tensor, list.data)
	}, becomes(kept, wantKept), func(v *verdict) { v.values("distances", floatsOf(distances.values()), want, 1) })
}
