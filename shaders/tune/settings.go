package tune

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

// setting tries the values that a setting of the device can have, on the uses that it is for.
func (s *search) setting(name string, order []int) error {
	k, err := shaders.New(s.dev, s.options(config{settings: s.settings}, Use{}))
	if err != nil {
		return err
	}
	now := valueOf(k.Tuning, name)
	values := append([]string{now}, without(k.Measurable(name), now)...)
	uses := slices.DeleteFunc(slices.Clone(order), func(use int) bool { return !concerns(name, s.job.Uses[use], k.Tuning) })
	if !s.full && len(uses) > 1 {
		uses = uses[:1]
	}
	if len(values) < 2 || len(uses) == 0 {
		return nil
	}
	at, ratios, err := s.best(uses, func(int) (list []config) {
		for _, v := range values {
			list = append(list, config{settings: s.with(name, v)})
		}
		return list
	}, gain)
	if err != nil {
		return err
	}
	for i, v := range values {
		s.tried = append(s.tried, Trial{Name: name + " " + v, Ratio: finite(ratios[i]), Won: i == at})
	}
	if at > 0 {
		s.settings = s.with(name, values[at])
		s.settings[len(s.settings)-1].Why = fmt.Sprintf("measured: %.2f of the rule's time", ratios[at])
	}
	return nil
}

// valueOf is what a tuning has chosen.
func valueOf(t shaders.Tuning, name string) string {
	for _, row := range t.Settings() {
		if row.Name == name {
			return row.Value
		}
	}
	return ""
}

// with are the settings with one more.
func (s *search) with(name, value string) []shaders.Setting {
	return append(slices.Clip(s.settings), shaders.Setting{Name: name, Value: value, Why: "being measured"})
}

func without(list []string, less string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == less })
}

// finite is a ratio as JSON can have it; 0: none.
func finite(r float64) float64 {
	if math.IsInf(r, 0) || math.IsNaN(r) {
		return 0
	}
	return r
}

// concerns tells whether a setting makes a difference to a use.
func concerns(name string, u Use, t shaders.Tuning) bool {
	switch name {
	case "int8 q8_0", "int8 q4_0":
		return u.Int8 && name == "int8 "+u.Format.String()
	case "integer dot":
		return int8(t, u, 1)
	case "texel buffers of blocks":
		return u.Op != Norm && u.Format.Blocked() && !int8(t, u, 1)
	case "norm lanes":
		return u.Op == Norm
	}
	return u.Op != Norm
}

// tiles looks how many rows of x are best taken, and from how many on tiles are faster at all, on the product that takes longest.
func (s *search) tiles(order []int) error {
	k, err := shaders.New(s.dev, s.options(config{settings: s.settings}, Use{}))
	if err != nil {
		return err
	}
	const name = "gemv rows"
	values := k.Measurable(name)
	if len(values) == 0 || len(order) == 0 || s.job.Uses[order[0]].Op == Norm {
		return nil
	}
	faster := func(n int, name, value, than string) (bool, error) {
		entries, err := s.entriesOf(situation{order[0], n}, []config{{settings: s.with(name, value)}, {settings: s.with(name, than)}}, make([]bool, 2))
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
	choose := func(name, value string) {
		s.settings = s.with(name, value)
		s.settings[len(s.settings)-1].Why = "measured: faster so"
	}
	for _, name := range []string{"matrix units", "int8 tiles", "tile results"} { // each by what the one before has left
		if k, err = shaders.New(s.dev, s.options(config{settings: s.settings}, Use{})); err != nil {
			return err
		}
		now := valueOf(k.Tuning, name)
		for _, other := range without(k.Measurable(name), now) {
			switch won, err := faster(mostRows, name, other, now); {
			case err != nil:
				return err
			case won:
				choose(name, other)
			}
		}
	}
	best, more := k.GEMVRows, 2*k.GEMVRows
	if slices.Contains(values, fmt.Sprint(more)) && more <= mostRows {
		switch gemv, err := faster(more, name, fmt.Sprint(more), "4"); {
		case err != nil:
			return err
		case gemv:
			best = more
		}
	}
	for n := k.GEMVRows; best == n && slices.Contains(values, fmt.Sprint(n/2)); n /= 2 {
		switch inTiles, err := faster(n, name, "4", fmt.Sprint(n)); {
		case err != nil:
			return err
		case inTiles:
			best = n / 2
		}
	}
	if best != k.GEMVRows && slices.Contains(values, fmt.Sprint(best)) {
		choose(name, fmt.Sprint(best))
	}
	return nil
}
