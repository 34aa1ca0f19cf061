package decode

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/model/internal/golden"
	"muninn/shaders/plain"
)

// TestFilterGoldens: the reference's probabilities and penalised logits, ties included.
func TestFilterGoldens(t *testing.T) {
	cases, tensor := filterGoldens(t)
	for _, c := range cases {
		s := c.filters()
		for i, logits := range tensor(c.Logits) {
			s.Penalise(logits, c.History[i], 0)
			if c.PenalisedLogits != "" {
				// Both sides multiply or add once in float32; the logits are below 16.
				if worst := golden.Worst(logits, tensor(c.PenalisedLogits)[i]); worst > 1e-6 {
					t.Errorf("%s row %d: off by %g", c.PenalisedLogits, i, worst)
				}
				continue
			}
			probs, kept := s.Probabilities(logits), 0
			p32 := make([]float32, len(probs))
			for j, p := range probs {
				p32[j] = float32(p)
				if p > 0 {
					kept++
				}
			}
			// The reference's softmax is float32: a few units in the last place of values up to 1.
			if worst := golden.Worst(p32, tensor(c.Probs)[i]); worst > 1e-6 {
				t.Errorf("%s row %d: off by %g", c.Probs, i, worst)
			}
			if kept != c.Kept[i] {
				t.Errorf("%s row %d: %d tokens kept, want %d", c.Probs, i, kept, c.Kept[i])
			}
		}
	}
}

// threshold is what filters keep of a distribution, without an order of tokens: each token with p > tau, and of those with
// p == tau the first so many in vocabulary order.
type threshold struct {
	tau  float64
	ties int
}

// TestKeptSetByBisection: a search without sorting, as the kernel's, comes to the set that the filters keep.
func TestKeptSetByBisection(t *testing.T) {
	cases, tensor := filterGoldens(t)
	for _, c := range cases {
		if c.Probs == "" {
			continue
		}
		s := c.filters()
		for i, logits := range tensor(c.Logits) {
			s.Penalise(logits, c.History[i], 0)
			p := Filters{Temperature: s.Temperature}.Probabilities(logits)
			_, order := plain.Weights(logits, 1)
			n := s.kept(p, order)
			got, want := threshold{tau: p[order[n-1]]}, bisected(s, p)
			for ; n > 0 && p[order[n-1]] == got.tau; n-- {
				got.ties++
			}
			if got != want {
				t.Errorf("%s row %d: %+v, by bisection %+v", c.Probs, i, got, want)
			}
		}
	}
}

// bisected finds a threshold by counting and summing over bit patterns alone, top-k, top-p and min-p in turn.
func bisected(s Filters, p []float64) threshold {
	sumFrom := func(bits uint64) (sum float64, count int) {
		values := slices.Clone(p)
		slices.Sort(values)
		slices.Reverse(values) // only so that the sum rounds as a running sum does
		for _, v := range values {
			if math.Float64bits(v) >= bits {
				sum, count = sum+v, count+1
			}
		}
		return sum, count
	}
	// The largest bit pattern, from lo on, for which ok holds.
	bisect := func(lo uint64, ok func(bits uint64) bool) uint64 {
		hi := math.Float64bits(1) + 1
		for hi-lo > 1 {
			if mid := lo + (hi-lo)/2; ok(mid) {
				lo = mid
			} else {
				hi = mid
			}
		}
		return lo
	}
	from := uint64(0)
	if s.TopK > 0 && s.TopK < len(p) {
		from = bisect(0, func(b uint64) bool { _, n := sumFrom(b); return n >= s.TopK })
	}
	ties := math.MaxInt
	if sum, _ := sumFrom(from); s.TopP > 0 && s.TopP < 1 && sum > s.TopP {
		edge := bisect(from, func(b uint64) bool { sum, _ := sumFrom(b); return sum > s.TopP })
		sum, n := sumFrom(edge + 1)
		ties = 0
		for v := math.Float64frombits(edge); sum+v <= s.TopP || n+ties == 0; sum += v {
			ties++
		}
		from = edge
		if ties == 0 {
			from++
		}
	}
	if s.MinP > 0 {
		if floor := math.Float64bits(s.MinP * slices.Max(p)); floor > from {
			from, ties = floor, math.MaxInt
		}
	}
	smallest, equal := math.Inf(1), 0
	for _, v := range p {
		if math.Float64bits(v) >= from && v < smallest {
			smallest, equal = v, 0
		}
		if v == smallest {
			equal++
		}
	}
	if math.Float64bits(smallest) == from {
		equal = min(equal, ties)
	}
	return threshold{smallest, equal}
}

// TestTopPTies: of equal values at top-p's edge the first in vocabulary order stay, as many as the sum admits.
func TestTopPTies(t *testing.T) {
	logits := []float32{0, 1, 0, 1, 0, 1, 0} // the ones have probability e/(3e+4) = 0.2237
	got := Filters{TopP: 0.5}.Probabilities(logits)
	want := []float64{0, 0.5, 0, 0.5, 0, 0, 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	got = Filters{TopP: 0.1}.Probabilities(logits) // even the first exceeds it, and stays
	if want := []float64{0, 1, 0, 0, 0, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("top-p below the largest value keeps %v, want %v", got, want)
	}
}

func TestProbabilitiesOfStrangeLogits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		s            Filters
		logits       []float32
		want         []float64
		wantedArgmax int
	}{
		{Filters{Greedy: true, Temperature: 1}, []float32{1, 3, 3}, []float64{0, 1, 0}, 1},
		{Filters{}, []float32{nan, 0, nan, 0}, []float64{0, 0.5, 0, 0.5}, 1},
		{Filters{}, []float32{0, inf, inf}, []float64{0, 0.5, 0.5}, 1},
		{Filters{}, []float32{-inf, 5}, []float64{0, 1}, 1},
		{Filters{TopK: 2}, []float32{nan, nan}, []float64{0, 0}, -1},
		{Filters{TopK: 1, TopP: 0.5, MinP: 0.1}, nil, []float64{}, -1},
	} {
		if got := c.s.Probabilities(c.logits); !slices.Equal(got, c.want) {
			t.Errorf("%+v of %v = %v, want %v", c.s, c.logits, got, c.want)
		}
		if got := Argmax(c.logits); got != c.wantedArgmax {
			t.Errorf("Argmax(%v) = %d, want %d", c.logits, got, c.wantedArgmax)
		}
	}
}

func TestFiltersValidate(t *testing.T) {
	good := Filters{Temperature: 0.7, TopK: 50, TopP: 0.95, MinP: 0.1, RepetitionPenalty: 1.1, DRYMultiplier: 0.8, DRYBase: 1.75, DRYAllowedLength: 2}
	for _, s := range []Filters{{}, {Greedy: true}, good} {
		if err := s.Validate(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for name, spoil := range map[string]func(*Filters){
		"temperature below 0":      func(s *Filters) { s.Temperature = -1 },
		"temperature not a number": func(s *Filters) { s.Temperature = math.NaN() },
		"temperature infinite":     func(s *Filters) { s.Temperature = math.Inf(1) },
		"top-k below 0":            func(s *Filters) { s.TopK = -1 },
		"top-p above 1":            func(s *Filters) { s.TopP = 1.5 },
		"min-p above 1":            func(s *Filters) { s.MinP = 1.5 },
		"penalty below 0":          func(s *Filters) { s.RepetitionPenalty = -1 },
		"dry below 0":              func(s *Filters) { s.DRYMultiplier = -1 },
		"dry base 0":               func(s *Filters) { s.DRYBase = 0 },
		"dry allowed length 0":     func(s *Filters) { s.DRYAllowedLength = 0 },
		"dry beside no penalty":    func(s *Filters) { s.RepetitionPenalty = 1 },
	} {
		s := good
		spoil(&s)
		if err := s.Validate(); !errors.Is(err, ErrFilters) {
			t.Errorf("%s: error %v, want ErrSampling", name, err)
		}
	}
}
