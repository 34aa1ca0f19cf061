package main

import (
	"math"
	"testing"
)

func TestRoundedRow(t *testing.T) {
	want := []float32{1, -2, 0.5, 3}
	for _, tc := range []struct {
		name string
		got  []float32
		ok   bool
	}{
		{"equal", want, true},
		{"within", []float32{1.2, -2, 0.3, 3.1}, true},
		{"too far", []float32{1, -2, 0.5, 3.9}, false},
		{"a NaN", []float32{1, -2, 0.5, float32(math.NaN())}, false},
	} {
		c := check{limit: eightBitError, rounded: true}
		c.row("row", tc.got, want)
		if (c.problem == "") != tc.ok {
			t.Errorf("%s: %q, off by %g", tc.name, c.problem, c.worst)
		}
	}
	// A shift of all logits changes no distribution; a swap of the two largest does.
	if kl := divergence(want, []float32{2, -1, 1.5, 4}); math.Abs(kl) > 1e-6 {
		t.Errorf("divergence of a shift: %g", kl)
	}
	if kl := divergence([]float32{0, 8}, []float32{8, 0}); kl < 7 || kl > 8 {
		t.Errorf("divergence of a swap: %g, want about 8", kl)
	}
}

func TestLimitsRefused(t *testing.T) {
	for _, o := range []options{{limits: "loose"}, {limits: eightBitLimits, topics: []string{"generate"}}} {
		if o.checkLimits() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
