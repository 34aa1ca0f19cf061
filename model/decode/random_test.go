package decode

import (
	"math"
	"testing"

	"muninn/model/arch"
)

// TestInitialState: the distribution is the published one, a normal of deviation sqrt(2/(5d)) cut at 3
// deviations and scaled by sqrt(d): deviation 0.62397, never above 1.89737, whatever d is.
func TestInitialState(t *testing.T) {
	cfg := arch.Config{NEmbd: 5280}
	row := make([]float32, cfg.NEmbd)
	var n, sum, squares, largest, tail float64
	for pos := range 40 {
		InitialState(SequenceKey(7, 0), pos, cfg, 1, row)
		for _, v := range row {
			x := float64(v)
			n, sum, squares, largest = n+1, sum+x, squares+x*x, max(largest, math.Abs(x))
			if math.Abs(x) > 2*math.Sqrt(0.4) {
				tail++
			}
		}
	}
	// 211,200 draws: the mean's own deviation is 0.0014, the deviation's 0.001, the tail share's 0.00045.
	if mean := sum / n; math.Abs(mean) > 0.006 {
		t.Errorf("mean %g, want 0", mean)
	}
	if deviation := math.Sqrt(squares / n); math.Abs(deviation-0.62397) > 0.004 {
		t.Errorf("standard deviation %g, want 0.62397", deviation)
	}
	if largest > 1.89737 || largest < 1.85 {
		t.Errorf("largest %g, want just below 1.89737", largest)
	}
	// Share of a normal distribution between 2 and 3 deviations, of what lies within 3.
	if share, want := tail/n, 0.042800/0.997300; math.Abs(share-want) > 0.002 {
		t.Errorf("share beyond 2 deviations %g, want %g", share, want)
	}
}

func TestInitialStateDependsOnKeyAndPosition(t *testing.T) {
	cfg := arch.Config{NEmbd: 10} // not a multiple of the generator's four words
	state := func(key uint64, pos int, scale float64) [10]float32 {
		var row [10]float32
		InitialState(key, pos, cfg, scale, row[:])
		return row
	}
	a := state(1, 5, 1)
	if a != state(1, 5, 1) {
		t.Error("the same key and position gave two states")
	}
	if a == state(1, 6, 1) || a == state(2, 5, 1) || a == state(1<<32|1, 5, 1) {
		t.Error("another key or position gave the same state")
	}
	if double := state(1, 5, 2); math.Abs(float64(double[9]-2*a[9])) > 1e-6 {
		t.Errorf("init scale 2: %g, want twice %g", double[9], a[9])
	}
	if state(1, 5, 0) != [10]float32{} {
		t.Error("init scale 0 is not the zero state")
	}
}

// TestSequenceKey: seeds and sequences near each other share no key.
func TestSequenceKey(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(64) {
		for sequence := range uint64(64) {
			seen[SequenceKey(seed, sequence)] = true
		}
	}
	if len(seen) != 64*64 {
		t.Errorf("%d keys from %d seeds and sequences", len(seen), 64*64)
	}
}

func TestUniform(t *testing.T) {
	var sum float64
	for pos := range 10000 {
		u := Uniform(3, pos)
		if u <= 0 || u >= 1 {
			t.Fatalf("Uniform(3, %d) = %g, want inside (0, 1)", pos, u)
		}
		sum += u
	}
	if mean := sum / 10000; math.Abs(mean-0.5) > 0.012 { // the mean's own deviation is 0.0029
		t.Errorf("mean %g, want 0.5", mean)
	}
}
