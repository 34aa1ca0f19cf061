package tune

import (
	"errors"
	"fmt"
	"slices"

	"muninn/shaders"
)

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
	all, total, rules, chance := 0.0, 0.0, 0.0, 0.0 // by the rules in the beginning; chosen, and by the rules, now; what chance may explain
	for _, t := range s.times {
		all += t
	}
	for _, use := range s.order() {
		u := s.job.Uses[use]
		c := Choice{Use: u, Share: s.times[use] / all, OneRow: s.one[use], Trials: s.trials[use], Ratio: 1}
		if u.Op != Norm {
			c.Rule, c.GEMV = rule(k.Tuning, u), s.now(use, tuned.Tuning)
		}
		chosen := config{settings: s.settings}
		if g, ok := s.gemv[use]; ok {
			chosen.gemv = &g
		}
		before, after, noise, err := s.final(use, chosen)
		if errors.Is(err, errLate) && len(r.Choices) > 0 {
			break
		}
		if err != nil {
			return r, err
		}
		c.Ratio = after / before
		if c.Ratio > 1-max(gain, noise/2) && len(s.settings) == 0 {
			c.Ratio, c.GEMV, after = 1, c.Rule, before
		}
		total, rules, chance = total+after, rules+before, chance+before*noise/2
		r.Choices = append(r.Choices, c)
		if chosen.gemv != nil && c.Ratio < 1 {
			p := shaders.Product{Op: u.Op, Format: u.Format, Rows: u.Rows, Cols: u.Cols, Int8: int8(tuned.Tuning, u, 1)}
			r.Measured.GEMVs = append(r.Measured.GEMVs, shaders.MeasuredGEMV{Product: p, GEMV: *chosen.gemv, Why: fmt.Sprintf("measured: %.2f of the rule's time", c.Ratio)})
		}
	}
	r.Measured.Settings = s.settings
	if r.Ratio = total / rules; total > rules*(1-gain)-chance || len(r.Said()) == 0 {
		return s.byRule(r, "nothing was faster by more than chance"), nil
	}
	return r, nil
}

// final times a use by the rules and as chosen, again as long as that may be chance.
func (s *search) final(use int, chosen config) (before, after, noise float64, err error) {
	for range 3 {
		entries, err := s.compare(use, []config{{}, chosen}, finalRounds, behind)
		if err != nil {
			return 0, 0, 0, err
		}
		if entries[1] == nil {
			entries[1] = entries[0]
		}
		noise = 0
		for _, e := range slices.Concat(entries...) {
			noise = max(noise, e.noise())
		}
		before, after = s.weighed(use, leasts(entries[0])), s.weighed(use, leasts(entries[1]))
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
