package tune

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
)

// setting tries the values that a setting of the device can have, on the uses that it is for.
func (s *search) setting(name string, order []int) error {
	k, err := s.kernels()
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
	at, ratios, chance, err := s.best(uses, func(int) (list []config) {
		for _, v := range values {
			list = append(list, config{settings: s.with(name, v)})
		}
		return list
	})
	if err != nil {
		return err
	}
	if ratios[at] > 1-max(gain, chance) {
		at = 0
	}
	for i, v := range values {
		s.tried = append(s.tried, Trial{Name: name + " " + v, Ratio: finite(ratios[i]), Won: i == at})
	}
	if at > 0 {
		s.choose(name, values[at], fmt.Sprintf("measured: %.2f of the rule's time", ratios[at]))
	}
	return nil
}

// kernels are those by the settings so far.
func (s *search) kernels() (*shaders.Kernels, error) {
	return shaders.New(s.dev, s.options(config{settings: s.settings}, Use{}))
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

// choose adds a setting to those that are better than the rules'.
func (s *search) choose(name, value, why string) {
	s.settings = append(slices.Clip(s.settings), shaders.Setting{Name: name, Value: value, Why: why})
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
	attention := slices.Contains(attentionSettings, name)
	switch name {
	case "int8 q8_0", "int8 q4_0":
		return u.Int8 && name == "int8 "+u.Format.String()
	case "integer dot":
		return int8(t, u, 1)
	case "texel buffers of blocks":
		return u.product() && u.Format.Blocked() && !int8(t, u, 1)
	case "norm lanes":
		return u.Op == Norm
	case "norm rows":
		return u.Normed
	}
	return u.product() && !attention || u.Op == Attention && attention
}
