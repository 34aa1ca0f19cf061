package tune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"muninn/shaders"
	"muninn/vk"
)

// Shares of the limit after which the search ends, and what was found has been measured once more: the rest is for proving it.
const (
	searchShare = 0.6
	finalShare  = 0.75
)

// gain is the least that counts of a setting, and of a result. Within a search any does: what came near the best is measured once more.
const gain = 0.02

// search looks for the best way to take the uses of a job.
type search struct {
	*bench
	full     bool
	settings []shaders.Setting    // better than the rules'
	gemv     map[int]shaders.GEMV // by use, better than the rule's
	trials   map[int][]Trial      // by use
	tried    []Trial              // settings
	times    []float64            // of each use, weighed, by the rules
	one      []float64            // of each use with one row of x
	tell     func(done, total int)
}

// Run measures on a device that is the search's own meanwhile, proves what it chose, and tells how far it is. What goes wrong with
// the device is an error; a clock that cannot be believed leaves the rules.
func Run(ctx context.Context, dev *vk.Device, j Job, tell func(done, total int)) (Result, error) {
	k, err := shaders.New(dev, j.Kernels)
	if err != nil {
		return Result{}, err
	}
	return run(ctx, dev, j, newMeter(ctx, dev, k.SharesCPU, time.Time{}), tell)
}

func run(ctx context.Context, dev *vk.Device, j Job, m *meter, tell func(done, total int)) (Result, error) {
	began, limit := time.Now(), cmp.Or(m.limit, j.Level.Limit(dev.Caps())*9/10) // a process had to begin
	until := func(share float64) time.Time {
		least := time.Now().Add(limit / 10) // what compiles may have taken longer
		if t := began.Add(time.Duration(share * float64(limit))); t.After(least) {
			return t
		}
		return least
	}
	if tell == nil {
		tell = func(int, int) {}
	}
	m.deadline = until(searchShare)
	b, err := newBench(m, j)
	if err != nil {
		return Result{}, err
	}
	defer b.free()
	s := &search{bench: b, full: j.Level == Full, gemv: map[int]shaders.GEMV{}, trials: map[int][]Trial{}, tell: tell}
	r := Result{Level: j.Level, Ratio: 1}
	if err = s.all(); err == nil || errors.Is(err, errLate) {
		m.deadline = until(finalShare)
		r, err = s.result()
		r.Level = j.Level
	}
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case errors.Is(err, errClock):
		r.Why = err.Error()
	case errors.Is(err, errLate):
		r.Why = fmt.Sprintf("%v were too short to measure anything", limit)
	case err != nil:
		return Result{}, err
	default:
		proving, stop := context.WithDeadline(ctx, until(1))
		err = s.prove(proving, &r)
		stop()
	}
	if err != nil && !errors.Is(err, errClock) && !errors.Is(err, errLate) {
		return Result{}, cmp.Or(ctx.Err(), err)
	}
	r.Took = time.Since(began)
	return r, nil
}

// all measures the rules; then settings of the device that products rest on, and products, those first that take longest; then other
// settings, and products once more.
func (s *search) all() error {
	if err := s.baseline(); err != nil {
		return err
	}
	order := s.order()
	products := slices.DeleteFunc(slices.Clone(order), func(use int) bool { return !s.job.Uses[use].product() })
	err := s.some(order, "subgroup", "int8 q8_0", "int8 q4_0", "integer dot", "texel buffers of blocks")
	for turn := 0; turn < turns && err == nil; turn++ {
		for i, use := range products {
			s.tell(len(order)*(1+turn)+i, len(order)*(1+turns))
			if err = s.product(use, turn); err == nil && turn == 0 && i == 0 {
				err = s.share(use, products[1:])
			}
			if err != nil {
				return err
			}
		}
		if turn > 0 {
			break
		}
		if err = s.some(order, append(attentionSettings, "norm lanes", "norm rows")...); err == nil && len(products) > 0 {
			err = s.tiles(products[0])
		}
	}
	return err
}

// some tries settings one after the other.
func (s *search) some(order []int, names ...string) error {
	for _, name := range names {
		if err := s.setting(name, order); err != nil {
			return err
		}
	}
	return nil
}

// rows are the numbers of rows of x that a use is measured with, and what a row of each counts.
func (s *search) rows(use int) []int {
	switch s.job.Uses[use].Op {
	case Norm:
		return xRows[:1]
	case Attention:
		return attentionRows
	}
	return xRows
}

// weighed is the time that a use takes of a token that is decoded and of one of a prompt, by the times of its situations.
func (s *search) weighed(use int, times []float64) (sum float64) {
	for i, n := range s.rows(use) {
		sum += times[i] / float64(n) * s.passes(situation{use, n})
	}
	return s.job.Uses[use].Times * sum
}

// passes scales the time of a program to that of the whole use: programs go through several matrices, or a part of one.
func (s *search) passes(at situation) float64 {
	u := s.job.Uses[at.use]
	switch u.Op {
	case Norm:
		return 1. / often
	case Attention:
		return 1 / float64(s.attention.times(at.n))
	}
	return float64(u.Rows) * float64(parts(u)) / float64(s.cut(u)*len(s.matrices(at)))
}

func (s *search) baseline() error {
	s.times, s.one = make([]float64, len(s.job.Uses)), make([]float64, len(s.job.Uses))
	for use := range s.job.Uses {
		s.tell(use, (1+turns)*len(s.job.Uses))
		times, err := s.compare(use, []config{{}}, quickRounds, behind)
		if use == 0 && err == nil && times[0] != nil {
			err = s.warm(times[0][0])
		}
		if err == nil && times[0] == nil {
			err = errors.New("tune: the kernels that the rules choose cannot be compiled")
		}
		if err != nil {
			return err
		}
		s.times[use], s.one[use] = s.weighed(use, leasts(times[0])), times[0][0].least()*s.passes(situation{use, 1})
	}
	return nil
}

// order are the uses, those first that take longest.
func (s *search) order() []int {
	order := make([]int, len(s.times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.times[b], s.times[a]) })
	return order
}

func leasts(list []*entry) (times []float64) {
	for _, e := range list {
		times = append(times, e.least())
	}
	return times
}

// compare times a use by several configs. Of each it gives the entries of its situations; nil for one that does not compile, or is behind
// the best by the share given, the first apart: many rows of x are compiled of those alone that are good with one.
func (s *search) compare(use int, list []config, rounds int, share float64) ([][]*entry, error) {
	if s.job.Uses[use].Op == Attention {
		share = 10 // many rows take other kernels than one, which may gain what those lose
	}
	of := make([][]*entry, len(list))
	lost := make([]bool, len(list))
	for _, n := range s.rows(use) {
		entries, err := s.entriesOf(situation{use, n}, list, lost)
		if err == nil {
			err = s.race(entries, rounds)
		}
		if err != nil {
			return nil, err
		}
		var best *entry
		for _, e := range entries {
			if e.err == nil && (best == nil || e.least() < best.least()) {
				best = e
			}
		}
		for i, e := range entries {
			of[i], lost[i] = append(of[i], e), lost[i] || e.err != nil || i > 0 && e.least() > best.least()*max(share, 1+min(e.noise()+best.noise(), behind-1))
		}
	}
	for i := range of {
		if lost[i] {
			of[i] = nil
		}
	}
	return of, nil
}

// best is the fastest of several configs for some uses together; their times against the first's are told beside, and what may be
// chance. What does not compile, or is far behind, has no time.
func (s *search) best(uses []int, configs func(use int) []config) (at int, ratios []float64, chance float64, err error) {
	var sums []float64
	for _, use := range uses {
		list := configs(use)
		entries, err := s.compare(use, list, quickRounds, near)
		if err != nil {
			return 0, nil, 0, err
		}
		if sums == nil {
			sums = make([]float64, len(list))
		}
		for i := range list {
			if entries[i] == nil {
				sums[i] = math.Inf(1)
				continue
			}
			sums[i] += s.weighed(use, leasts(entries[i]))
			for _, e := range entries[i] {
				chance = max(chance, e.noise()/4)
			}
		}
	}
	for i, sum := range sums {
		ratios = append(ratios, sum/sums[0])
		if sum < sums[at] {
			at = i
		}
	}
	return at, ratios, chance, nil
}
