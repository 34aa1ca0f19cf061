package tune

import (
	"slices"

	"muninn/shaders"
)

// turns are how often a product is gone through: a number that was best may not be once another has changed.
const turns = 3

// product looks for the best GEMV of a use, one number at a time from the best so far, later from the next best too: two numbers may gain
// only together. Full, it looks in the first turn in all ways that one row of x can be taken.
func (s *search) product(use, turn int) error {
	u := s.job.Uses[use]
	k, err := shaders.New(s.dev, s.options(config{settings: s.settings}, u))
	if err != nil {
		return err
	}
	can := k.GEMVs(shaders.Product{Op: u.Op, Format: u.Format, Rows: u.Rows, Cols: u.Cols, Int8: int8(k.Tuning, u, 1)})
	if s.full && turn == 0 {
		one := can
		one.XRows = nil
		if err := s.try(use, rule(k.Tuning, u), every(one, rule(k.Tuning, u))); err != nil {
			return err
		}
	}
	for _, d := range dimensions {
		from := []shaders.GEMV{s.now(use, k.Tuning)}
		if g, ok := s.next(use, from[0]); ok && turn > 0 {
			from = append(from, g)
		}
		for _, g := range from {
			if err := s.try(use, rule(k.Tuning, u), others(g, d, d.values(can))); err != nil {
				return err
			}
		}
	}
	return nil
}

// next is the best GEMV of a use that was measured but for one, if it is not far behind that.
func (s *search) next(use int, best shaders.GEMV) (g shaders.GEMV, ok bool) {
	least := near * s.ratio(use, best)
	for _, t := range s.trials[use] {
		if t.gemv != best && t.Ratio > 0 && t.Ratio < least {
			g, least, ok = t.gemv, t.Ratio, true
		}
	}
	return g, ok
}

// share tries what was best for one use on the others with weights of its format: there may be no time for more.
func (s *search) share(from int, others []int) error {
	g, ok := s.gemv[from]
	for _, use := range others {
		u := s.job.Uses[use]
		if !ok || u.Format != s.job.Uses[from].Format {
			continue
		}
		k, err := shaders.New(s.dev, s.options(config{settings: s.settings}, u))
		if err == nil {
			err = s.try(use, rule(k.Tuning, u), []shaders.GEMV{g})
		}
		if err != nil {
			return err
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
	{func(g *shaders.GEMV) *int { return &g.Beside }, func(c shaders.GEMVs) []int { return c.Beside }},
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

// try measures GEMVs of a use beside the best so far, in lots that are compiled together. Those that come to the same on the device are
// one.
func (s *search) try(use int, rule shaders.GEMV, list []shaders.GEMV) error {
	const lot = 6
	tried := []shaders.GEMV{rule}
	for _, t := range s.trials[use] {
		tried = append(tried, t.gemv)
	}
	var left []shaders.GEMV
	for _, g := range list {
		k, err := shaders.New(s.dev, s.options(config{s.settings, &g}, s.job.Uses[use]))
		if err != nil {
			return err
		}
		if g = tune(k.Tuning, s.job.Uses[use], s.cut(s.job.Uses[use])); !slices.Contains(tried, g) {
			tried, left = append(tried, g), append(left, g)
		}
	}
	for some := range slices.Chunk(left, lot) {
		now, ok := s.gemv[use]
		if !ok {
			now = rule
		}
		all := append([]shaders.GEMV{now}, some...)
		at, ratios, _, err := s.best([]int{use}, func(int) (list []config) {
			for _, g := range all {
				list = append(list, config{s.settings, &g})
			}
			return list
		})
		if err != nil {
			return err
		}
		scale := s.ratio(use, now)
		for i, g := range all[1:] {
			s.trials[use] = append(s.trials[use], Trial{Form(g), finite(ratios[i+1] * scale), i+1 == at, g})
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
		if t.gemv == g && t.Ratio > 0 {
			return t.Ratio
		}
	}
	return 1
}
