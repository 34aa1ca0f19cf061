package reference

import (
	"math"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/shaders/plain"
)

// TestInitialState: the distribution is the published one, a normal of deviation sqrt(2/(5d)) cut at 3
// deviations and scaled by sqrt(d): deviation 0.62397, never above 1.89737, whatever d is.
func TestInitialState(t *testing.T) {
	cfg := arch.Config{NEmbd: 5280}
	var n, sum, squares, largest, tail float64
	for pos := range 40 {
		for _, x := range normals(cfg, decode.Sequence{Seed: 7, InitScale: 1}, plain.KindInitial, pos, 0) {
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

func TestInitialStateDependsOnSeedAndPosition(t *testing.T) {
	cfg := arch.Config{NEmbd: 10} // not a multiple of the generator's four words
	state := func(seed uint64, pos int, scale float64) [10]float64 {
		return [10]float64(normals(cfg, decode.Sequence{Seed: seed, InitScale: scale}, plain.KindInitial, pos, 0))
	}
	a := state(1, 5, 1)
	if a != state(1, 5, 1) {
		t.Error("the same seed and position gave two states")
	}
	if a == state(1, 6, 1) || a == state(2, 5, 1) || a == state(1<<32|1, 5, 1) {
		t.Error("another seed or position gave the same state")
	}
	if double := state(1, 5, 2); math.Abs(double[9]-2*a[9]) > 1e-6 {
		t.Errorf("init scale 2: %g, want twice %g", double[9], a[9])
	}
	if state(1, 5, 0) != [10]float64{} {
		t.Error("init scale 0 is not the zero state")
	}
}

// TestNoiseDistribution: step noise is standard normal, mixed states are cut as initial ones; none repeats another.
func TestNoiseDistribution(t *testing.T) {
	c := arch.Config{NEmbd: 1 << 14}
	draw := func(kind plain.Kind, which uint32) []float64 {
		return normals(c, decode.Sequence{Seed: 5, InitScale: 1}, kind, 7, which)
	}
	noise, next, mixed, initial := draw(plain.KindNoise, 3), draw(plain.KindNoise, 4), draw(plain.KindMixed, 0), draw(plain.KindInitial, 0)
	moments := func(x, y []float64) (mean, square, product float64) {
		for i, v := range x {
			mean += v / float64(len(x))
			square += v * v / float64(len(x))
			product += v * y[i] / float64(len(x))
		}
		return mean, square, product
	}
	for name, d := range map[string]struct {
		x, y []float64
		std  float64
	}{"noise": {noise, next, 1}, "mixed": {mixed, initial, 0.62397}, "noise and mixed": {noise, mixed, 1}} {
		mean, square, product := moments(d.x, d.y)
		if math.Abs(mean) > 0.03 || math.Abs(math.Sqrt(square)/d.std-1) > 0.02 || math.Abs(product) > 0.03 {
			t.Errorf("%s: mean %g, deviation %g, product with another %g", name, mean, math.Sqrt(square), product)
		}
	}
	if top := slices.Max(noise); top < 3.2 || top > 6 {
		t.Errorf("largest of %d normal values is %g", len(noise), top)
	}
	var sum float64
	for step := range 1000 {
		sum += plain.Uniform(5, 7, plain.KindNoiseChi, 2<<16|uint32(step)) / 1000
	}
	if math.Abs(sum-0.5) > 0.05 {
		t.Errorf("uniform numbers have mean %g", sum)
	}
}
