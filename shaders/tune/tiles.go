package tune

import (
	"fmt"
	"slices"

	"muninn/shaders"
)

const (
	gemvRows = "gemv rows" // the setting
	fasterSo = "measured: faster so"
)

// tiles looks how tiles are best taken, and from how many rows of x on they are faster at all, on a product.
func (s *search) tiles(use int) error {
	k, err := s.kernels()
	if err != nil || len(k.Measurable(gemvRows)) == 0 {
		return err
	}
	for _, name := range []string{"matrix units", "int8 tiles", "tile results"} { // each by what the one before has left
		if k, err = s.kernels(); err != nil {
			return err
		}
		now := valueOf(k.Tuning, name)
		for _, other := range without(k.Measurable(name), now) {
			won, err := s.faster(use, mostRows, name, other, now)
			if err != nil {
				return err
			}
			if won {
				s.choose(name, other, fasterSo)
			}
		}
	}
	best, err := s.lastGEMV(use, k.Tuning)
	if err == nil && best != k.GEMVRows {
		s.choose(gemvRows, fmt.Sprint(best), fasterSo)
	}
	return err
}

// lastGEMV is the number of rows of x up to which GEMV is faster than tiles: twice what the rule says, that, or a half again and again.
func (s *search) lastGEMV(use int, t shaders.Tuning) (best int, err error) {
	least, values := t.Measurable(gemvRows)[0], t.Measurable(gemvRows) // least: all beyond in tiles
	can := func(n int) bool { return n <= mostRows && slices.Contains(values, fmt.Sprint(n)) }
	best = t.GEMVRows
	if more := 2 * best; can(more) {
		if gemv, err := s.faster(use, more, gemvRows, fmt.Sprint(more), least); err != nil || gemv {
			return more, err
		}
	}
	for can(best / 2) {
		if inTiles, err := s.faster(use, best, gemvRows, least, fmt.Sprint(best)); err != nil || !inTiles {
			return best, err
		}
		best /= 2
	}
	return best, nil
}

// faster tells whether a use with n rows of x is faster by one value of a setting than by another.
func (s *search) faster(use, n int, name, value, than string) (bool, error) {
	entries, err := s.entriesOf(situation{use, n}, []config{{settings: s.with(name, value)}, {settings: s.with(name, than)}}, make([]bool, 2))
	if err == nil {
		err = s.race(entries, quickRounds)
	}
	if err != nil || entries[0].err != nil || entries[1].err != nil || entries[0] == entries[1] {
		return false, err
	}
	won := entries[0].beats(entries[1], gain)
	s.tried = append(s.tried, Trial{Name: fmt.Sprintf("%s %s, %d rows", name, value, n), Ratio: entries[0].least() / entries[1].least(), Won: won})
	return won, nil
}
