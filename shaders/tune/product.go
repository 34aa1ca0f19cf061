package tune

import (
	"fmt"
	"slices"

	"muninn/shaders"
)

// product looks for the best GEMV of a use: quick, it goes from the rule's one number at a time, as long as that helps; full, it tries
// all that there are.
func (s *search) product(use int) error {
	u := s.job.Uses[use]
	defer func() {
		s.done++
		s.tell(s.done, 2*len(s.job.Uses))
	}()
	if u.Op == Norm {
		return nil
	}
	k, err := shaders.New(s.dev, s.options(config{settings: s.settings}, u))
	if err != nil {
		return err
	}
	can := k.GEMVs(shaders.Product{Op: u.Op, Format: u.Format, Rows: u.Rows, Cols: u.Cols, Int8: int8(k.Tuning, u, 1)})
	if s.full {
		return s.try(use, rule(k.Tuning, u), every(can, rule(k.Tuning, u)))
	}
	for turn := 0; turn < 2; turn++ {
		before := s.now(use, k.Tuning)
		for _, d := range dimensions {
			now := s.now(use, k.Tuning)
			if err := s.try(use, rule(k.Tuning, u), others(now, d, d.values(can))); err != nil {
				return err
			}
		}
		if s.now(use, k.Tuning) == before {
			break
		}
	}
	return nil
}

// dimension is one of a GEMV's numbers.
type dimension struct {
	of     func(*shaders.GEMV) *int
	values func(shaders.GEMVs) []int
}

var dimensions = []dimension{
	{func(g *shaders.GEMV) *int { return &g.Groups }, func(c shaders.GEMVs) []int { return c.Groups }},
	{func(g *shaders.GEMV) *int { return &g.WeightRows }, func(c shaders.GEMVs) []int { return c.WeightRows }},
	{func(g *shaders.GEMV) *int { return &g.Depth }, func(c shaders.GEMVs) []int { return c.Depths }},
	{func(g *shaders.GEMV) *int { return &g.XRows }, func(c shaders.GEMVs) []int { return c.XRows }},
}

// others are g with each other value of a number.
func others(g shaders.GEMV, d dimension, values []int) (list []shaders.GEMV) {
	now := *d.of(&g)
	for _, v := range values {
		if v != now {
			*d.of(&g) = v
			list = append(list, g)
		}
	}
	return list
}

// every is each combination of values.
func every(can shaders.GEMVs, g shaders.GEMV) []shaders.GEMV {
	list := []shaders.GEMV{g}
	for _, d := range dimensions {
		for _, g := range slices.Clone(list) {
			list = append(list, others(g, d, d.values(can))...)
		}
	}
	return list
}

// now is how a use is taken as far as is known.
func (s *search) now(use int, t shaders.Tuning) shaders.GEMV {
	if g, ok := s.gemv[use]; ok {
		return g
	}
	return rule(t, s.job.Uses[use])
}

// try measures GEMVs of a use beside the best so far, in lots that are compiled together.
func (s *search) try(use int, rule shaders.GEMV, list []shaders.GEMV) error {
	const lot = 6
	for some := range slices.Chunk(list, lot) {
		now, ok := s.gemv[use]
		if !ok {
			now = rule
		}
		all := append([]shaders.GEMV{now}, slices.DeleteFunc(slices.Clone(some), func(g shaders.GEMV) bool {
			return g == rule || slices.ContainsFunc(s.trials[use], func(t Trial) bool { return t.Name == Form(g) })
		})...)
		if len(all) < 2 {
			continue
		}
		at, ratios, err := s.best([]int{use}, func(int) (list []config) {
			for _, g := range all {
				list = append(list, config{s.settings, &g})
			}
			return list
		}, step)
		if err != nil {
			return err
		}
		scale := s.ratio(use, now)
		for i, g := range all[1:] {
			s.trials[use] = append(s.trials[use], Trial{Form(g), finite(ratios[i+1] * scale), i+1 == at})
		}
		if at > 0 {
			s.gemv[use] = all[at]
		}
	}
	return nil
}

// ratio is the time of a GEMV of a use against the rules', as far as it was told.
func (s *search) ratio(use int, g shaders.GEMV) float64 {
	for _, t := range slices.Backward(s.trials[use]) {
		if t.Name == Form(g) && t.Ratio > 0 {
			return t.Ratio
		}
	}
	return 1
}

// result measures what was found beside the rules once more, each use by itself, and keeps what is better by more than chance.
func (s *search) result() (Result, error) {
	r := Result{Ratio: 1, Settings: s.tried}
	if s.times == nil || s.times[len(s.times)-1] == 0 {
		return r, errLate
	}
	k, err := shaders.New(s.dev, s.options(config{}, Use{}))
	if err != nil {
		return r, err
	}
	tuned, err := shaders.New(s.dev, s.options(config{settings: s.settings}, Use{}))
	if err != nil {
		return r, err
	}
	total, rules, certain := 0.0, 0.0, 0.0
	for _, t := range s.times {
		rules += t
	}
	for _, use := range s.order() {
		u := s.job.Uses[use]
		c := Choice{Use: u, Share: s.times[use] / rules, OneRow: s.one[use], Trials: s.trials[use], Ratio: 1}
		if u.Op != Norm {
			c.Rule, c.GEMV = rule(k.Tuning, u), s.now(use, tuned.Tuning)
		}
		chosen := config{settings: s.settings}
		if g, ok := s.gemv[use]; ok {
			chosen.gemv = &g
		}
		entries, err := s.compare(use, []config{{}, chosen}, finalRounds)
		if err != nil {
			return Result{Ratio: 1, Settings: s.tried, Choices: r.Choices}, err
		}
		if entries[0] == nil || entries[1] == nil {
			entries[1] = entries[0]
		}
		noise := 0.0
		for _, e := range slices.Concat(entries[0], entries[1]) {
			noise = max(noise, e.noise())
		}
		before, after := s.weighed(use, leasts(entries[0])), s.weighed(use, leasts(entries[1]))
		c.Ratio = after / before
		if c.Ratio > 1-max(gain, noise/2) && len(s.settings) == 0 {
			c.Ratio, c.GEMV, after = 1, c.Rule, before
		}
		total, certain = total+after, certain+before*noise/2
		r.Choices = append(r.Choices, c)
		if chosen.gemv != nil && c.Ratio < 1 {
			p := shaders.Product{Op: u.Op, Format: u.Format, Rows: u.Rows, Cols: u.Cols, Int8: int8(tuned.Tuning, u, 1)}
			r.Measured.GEMVs = append(r.Measured.GEMVs, shaders.MeasuredGEMV{Product: p, GEMV: *chosen.gemv, Why: fmt.Sprintf("measured: %.2f of the rule's time", c.Ratio)})
		}
	}
	r.Measured.Settings = s.settings
	if r.Ratio = total / rules; total > rules*(1-gain)-certain || len(r.Said()) == 0 {
		return s.byRule(r, "nothing was faster by more than chance"), nil
	}
	return r, nil
}

// byRule is a result that keeps the rules.
func (s *search) byRule(r Result, why string) Result {
	r.Measured, r.Ratio, r.Why = shaders.Measured{}, 1, why
	r.Choices = slices.Clone(r.Choices)
	for i := range r.Choices {
		r.Choices[i].GEMV, r.Choices[i].Ratio = r.Choices[i].Rule, 1
	}
	return r
}
