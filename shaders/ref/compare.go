package ref

import (
	"bytes"
	"math"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Distance is how far s has come from older by d, and what that changed since the last difference, each (d) long: d, the sums
// s^2, d^2 and (d - last)^2, and how large the last is when its terms do not cancel.
func Distance(s, older []float32, last []float64) (d []float64, sums, size [3]float64) {
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
	list := normCases("compare", 0, compareTrial)
	for i := range list {
		list[i].Why = "float32 differences, and sums of their squares"
	}
	return list
}

func compareTrial(t *trial, s normSize) {
	cells := s.n + 3 // of state, of what it was, and of differences
	values := func(name string, f family) []float32 {
		return source{seed("compare "+name, s.String()), f, format.F32, s.d}.all(cells)
	}
	sv, ov, kv := values("state", s.family), values("older", s.family), values("kept", uniform)
	var pairs []shaders.Pair
	for n := range uint32(s.n) {
		p := shaders.Pair{Cell: uint32(cells) - 1 - n, From: (n*5 + 2) % uint32(cells), Kept: (n + 2) % uint32(cells), Fresh: (int(n)+s.d)%3 == 0}
		if p.Fresh {
			copy(kv[int(p.Kept)*s.d:], filler(s.d))
		}
		pairs = append(pairs, p)
	}
	raw := make([]byte, len(pairs)*shaders.PairBytes)
	for i, p := range pairs {
		p.Put(raw[i*shaders.PairBytes:])
	}
	state, older, kept := t.input("state", sv, cells, s.d), t.input("older", ov, cells, s.d), t.inout("kept", kv, cells, s.d)
	list := t.buffer("pairs", raw, false)
	distances := t.buffer("distances", bytes.Repeat([]byte{0xEE}, len(pairs)*shaders.DistanceBytes), true)
	wantKept := plain.Widen(kv)
	var want reference
	for _, p := range pairs {
		last := wantKept[int(p.Kept)*s.d:][:s.d]
		if p.Fresh {
			clear(last)
		}
		d, sums, size := Distance(sv[int(p.Cell)*s.d:][:s.d], ov[int(p.From)*s.d:][:s.d], last)
		copy(last, d)
		want.value, want.size = append(want.value, sums[:]...), append(want.size, size[:]...)
	}
	t.check(func(r *shaders.Recorder) {
		r.Compare(distances.data, state.Tensor, older.Tensor, kept.Tensor, list.data)
	}, func(v *verdict) {
		v.tensor(kept, untouchedPadding, wantKept)
		v.sums("distances", floatsOf(distances.values()), want)
	})
}
