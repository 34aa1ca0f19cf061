package ref

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// logitCriteria make the criteria, before the first check.
var logitCriteria = []struct {
	kernel string
	start  func(vocab int) plain.LogitCriterion
	why    string
}{
	{"entropy_diff", func(int) plain.LogitCriterion { return plain.EntropyDiff() }, "float32 sums over the vocabulary of exp and log"},
	{"kl", plain.KL, "float32 sums over the vocabulary of exp and log"},
	{"minp_kl", plain.MinPKL, "float32 sums over the vocabulary of exp and log"},
	{"argmax_stability", func(int) plain.LogitCriterion { return plain.ArgmaxStability() }, "it counts"},
}

type criterionSize struct {
	vocab  int
	family family
}

func (s criterionSize) String() string { return fmt.Sprintf("vocab=%d %s", s.vocab, s.family) }

func criterionCases() []Case {
	var sizes []criterionSize
	for _, vocab := range []int{1, 2, 7, 257, 1003} {
		sizes = append(sizes, criterionSize{vocab, uniform}, criterionSize{vocab, heavy})
	}
	sizes = append(sizes, criterionSize{65536, uniform})
	var list []Case
	for _, p := range logitCriteria {
		c := Case{Op: "criterion", Name: p.kernel + " ", Limit: 1e-10, Why: p.why}
		list = append(list, each(c, sizes, func(t *trial, s criterionSize) { criterionTrial(t, p.kernel, p.start, s) })...)
	}
	return list
}

// testedCriterion is what the rules of a criterion's cases call it.
const testedCriterion = 5

// criterionGroups are groups over three steps: checked at each; at every second; done after the first; from the second on; by
// another criterion; by none; and one that has no row of logits.
func criterionGroups() (rules []shaders.ExitRule, steps [3][]shaders.Progress) {
	rules = []shaders.ExitRule{{Criterion: testedCriterion}, {Criterion: testedCriterion, Every: 2}, {Criterion: testedCriterion},
		{Criterion: testedCriterion, MinSteps: 1, Every: 1}, {Criterion: testedCriterion + 1}, {}, {Criterion: testedCriterion}}
	for step := range steps {
		for g, r := range rules {
			p := shaders.Progress{Taken: uint32(step), Value: 77, Done: g == 2 && step > 0}
			for before := range uint32(step) {
				if due(r, before) {
					p.Checks++
				}
			}
			steps[step] = append(steps[step], p)
		}
	}
	return rules, steps
}

// criterionTrial checks three steps one after the other. What a kernel keeps from one to the next is its own, in rows of a tensor
// that hold NaN at first.
func criterionTrial(t *trial, kernel string, start func(int) plain.LogitCriterion, s criterionSize) {
	rules, steps := criterionGroups()
	groupOf := []uint32{3, 0, 4, 1, 5, 2} // group of each row of logits
	state := make([]plain.LogitCriterion, len(rules))
	for g := range state {
		state[g] = start(s.vocab)
	}
	of := t.words("group of each row", groupOf)
	previous := t.output("previous", len(rules), s.vocab)
	var logits [3]tensor
	var at [3]groups
	var want [3][]shaders.Progress
	var size [3][]float64
	for step := range steps {
		values := criterionLogits(fmt.Sprint(kernel, step), len(groupOf), s)
		want[step], size[step] = slices.Clone(steps[step]), make([]float64, len(rules))
		for n, g := range groupOf {
			row := values[n*s.vocab:][:s.vocab]
			if step > 0 && n%2 == 1 { // the likeliest token stays, by more
				steady(row)
			}
			if p := steps[step][g]; !p.Done && rules[g].Criterion == testedCriterion && due(rules[g], p.Taken) {
				value, z := state[g](plain.Widen(row))
				want[step][g].Value, size[step][g] = float32(value), max(z, 0.03) // a sum of probabilities keeps 2^-24 of 1, twice
			}
		}
		logits[step] = t.input("logits", values, s.vocab)
		at[step] = t.groups(rules, steps[step], 1, 1)
	}
	t.check(func(r *shaders.Recorder) {
		for step := range steps {
			r.LogitCriterion(kernel, testedCriterion, logits[step].Tensor, of, at[step].Groups, previous.Tensor)
		}
	}, func(v *verdict) {
		for step := range steps {
			for g, w := range want[step] {
				got := progressAt(at[step].progress, g)
				v.values(fmt.Sprintf("value of group %d after step %d", g, step), []float32{got.Value},
					reference{[]float64{float64(w.Value)}, []float64{size[step][g]}}, 1)
				if got.Value = w.Value; got != w {
					v.fail("progress of group %d after step %d is %+v, want %+v", g, step, got, w)
				}
			}
		}
		for g := range rules { // rows of groups that were never checked
			row := previous.values()[4*g*previous.Stride:][:4*previous.Stride]
			if g > 3 && !slices.Equal(row, previous.before()[:len(row)]) {
				v.fail("what is kept for group %d was written", g)
			}
		}
	})
}

// criterionLogits are rows of logits between -20 and 20, or in the heavy family with a thousand times that in a column; every third
// row has equal largest ones.
func criterionLogits(name string, n int, s criterionSize) []float32 {
	x := source{seed("logits", name), s.family, format.F32, s.vocab}.all(n)
	for i := range x {
		x[i] *= 20
	}
	for r := range n {
		row := x[r*s.vocab:][:s.vocab]
		if r%3 == 2 {
			top := slices.Max(row)
			row[s.vocab-1], row[s.vocab/2] = top, top
		}
		apart(row)
	}
	return x
}

// steady makes the token in the middle the likeliest of a row, the one behind it as likely.
func steady(row []float32) {
	top := slices.Max(row) + 1
	row[len(row)/2], row[min(len(row)/2+1, len(row)-1)] = top, top
	apart(row)
}

// apart has no logit lie where rounding decides whether it is a tenth of the largest.
func apart(row []float32) {
	top := slices.Max(row)
	for i, l := range row {
		if math.Abs(float64(top-l)+math.Log(0.1)) < 1e-3 {
			row[i] -= 0.01
		}
	}
}
