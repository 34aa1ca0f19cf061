package tune

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

// result measures what was found beside the rules once more, each use by itself, and keeps what is better by more than chance.
func (s *search) result() (Result, error) {
	r := Result{Ratio: 1, Settings: s.tried}
	if len(s.times) == 0 || s.times[len(s.times)-1] == 0 {
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
	all, total, rules, chance := 0.0, 0.0, 0.0, 0.0 // by the rules in the beginning; chosen, and by the rules, now; what chance may explain
	for _, t := range s.times {
		all += t
	}
	for _, use := range s.order() {
		u := s.job.Uses[use]
		c := Choice{Use: u, Share: s.times[use] / all, OneRow: s.one[use], Trials: s.trials[use], Ratio: 1}
		before, after, noise, err := s.final(use)
		if errors.Is(err, errLate) && len(r.Choices) > 0 {
			break
		}
		if err != nil {
			return r, err
		}
		if u.product() {
			c.Rule, c.GEMV = rule(k.Tuning, u), s.now(use, tuned.Tuning)
		}
		c.Ratio = after / before
		if c.Ratio > 1-max(gain, noise/2) && len(s.settings) == 0 {
			c.Ratio, c.GEMV, after = 1, c.Rule, before
		}
		total, rules, chance = total+after, rules+before, chance+before*noise/2
		r.Choices = append(r.Choices, c)
		if _, ok := s.gemv[use]; ok && c.Ratio < 1 {
			p := shaders.Product{Op: u.Op, Format: u.Format, Rows: u.Rows, Cols: u.Cols, Int8: int8(tuned.Tuning, u, 1)}
			r.Measured.GEMVs = append(r.Measured.GEMVs, shaders.MeasuredGEMV{Product: p, GEMV: c.GEMV, Why: fmt.Sprintf("measured: %.2f of the rule's time", c.Ratio)})
		}
	}
	r.Measured.Settings = s.settings
	if r.Ratio = total / rules; total > rules*(1-gain)-chance || len(r.Said()) == 0 {
		return s.byRule(r, "nothing was faster by more than chance"), nil
	}
	return r, nil
}

// finalists are the rules, the settings that were chosen, and with these the ways to take a use that came first, in whatever order chance
// has put them.
func (s *search) finalists(use int) []config {
	const most = 5
	list := []config{{}, {settings: s.settings}}
	best, ok := s.gemv[use]
	if !ok {
		return list
	}
	list = append(list, config{s.settings, &best})
	trials := slices.SortedStableFunc(slices.Values(s.trials[use]), func(a, b Trial) int { return cmp.Compare(a.Ratio, b.Ratio) })
	for _, t := range trials {
		if t.gemv != best && t.Ratio > 0 && t.Ratio < near*s.ratio(use, best) && len(list) < most {
			list = append(list, config{s.settings, &t.gemv})
		}
	}
	return list
}

// final times the finalists of a use, again as long as what they gain may be chance, and chooses.
func (s *search) final(use int) (before, after, noise float64, err error) {
	list := s.finalists(use)
	for turn := range 3 {
		entries, err := s.compare(use, list, finalRounds*(turn+1), behind)
		if err != nil {
			return 0, 0, 0, err
		}
		before, after, noise = s.weighed(use, leasts(entries[0])), math.Inf(1), 0
		by := before // with the rule's GEMV
		for i, of := range entries {
			if of == nil {
				continue
			}
			t := s.weighed(use, leasts(of))
			if i == 1 {
				by = t
			}
			if i > 1 && t < min(after, by*(1-gain)) {
				after, s.gemv[use] = t, *list[i].gemv
			}
			for _, e := range of {
				noise = max(noise, e.noise())
			}
		}
		if math.IsInf(after, 1) {
			after = by
			delete(s.gemv, use)
		}
		if after > before*(1-gain) || after < before*(1-noise/2) {
			break
		}
	}
	return before, after, noise, nil
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
