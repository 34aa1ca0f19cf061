package decode

import (
	"errors"
	"math"
	"strings"
	"testing"

	"muninn/model/arch"
)

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

// A model whose states are not drawn takes no initial states and no scale of them.
func TestSequenceFits(t *testing.T) {
	drawn, embeds := arch.Config{}, arch.Config{Family: arch.Ouro, Start: arch.StartEmbeds}
	for _, c := range []struct {
		q  Sequence
		ok bool
	}{{Sequence{}, true}, {Sequence{Seed: 3, Stream: 2, InitScale: 1}, true}, {Sequence{InitScale: 0.5}, false}, {Sequence{States: func(int) []float32 { return nil }}, false}} {
		if err := c.q.Fits(embeds); (err == nil) != c.ok || err != nil && (!errors.Is(err, ErrStrategy) || !strings.Contains(err.Error(), "init_scale for this ouro model")) {
			t.Errorf("%+v: %v", c.q, err)
		}
		if err := c.q.Fits(drawn); err != nil {
			t.Errorf("%+v: %v", c.q, err)
		}
	}
}
