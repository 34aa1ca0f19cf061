package decode

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseExit(t *testing.T) {
	auto := map[Criterion]float64{"latent-diff": 0.03, "cosine": 1e-3, "acceleration": 0.1, "entropy-diff": 1e-3, "kl": 1e-3, "minp-kl": 1e-5, "argmax-stability": 5, "gate": 0.5}
	for name, want := range auto {
		e, err := ParseExit(string(name), "auto")
		if err != nil || e.Limit() != want {
			t.Errorf("%s: threshold %g, error %v; want %g", name, e.Limit(), err, want)
		}
	}
	if len(Criteria) != len(auto) {
		t.Errorf("%d criteria, want %d", len(Criteria), len(auto))
	}
	ids := map[uint32]bool{0: true} // 0 is no criterion
	for _, c := range Criteria {
		if c.Measure == "" || ids[c.ID] {
			t.Errorf("%s: id %d, measure %q: want an id of its own and a measure", c.Name, c.ID, c.Measure)
		}
		ids[c.ID] = true
	}
	if e, err := ParseExit("kl", "0.02"); err != nil || e.Limit() != 0.02 || !e.Done(0.019) || e.Done(0.02) {
		t.Errorf("kl at 0.02: %+v, %v: want an exit below 0.02", e, err)
	}
	if e, err := ParseExit("argmax-stability", "3"); err != nil || e.Done(2) || !e.Done(3) {
		t.Errorf("argmax-stability at 3: %+v, %v: want an exit at 3 and above", e, err)
	}
	for _, c := range [][3]string{
		{"residual", "auto", `criterion "residual" is not known; known: latent-diff, cosine, acceleration`},
		{"kl", "soon", `threshold "soon", want auto or a number`},
		{"kl", "-1", `threshold "-1"`}, {"kl", "0", `threshold "0"`}, {"kl", "NaN", `threshold "NaN"`}, {"kl", "inf", "threshold +Inf"},
		{"argmax-stability", "2.5", "whole number"},
	} {
		if _, err := ParseExit(c[0], c[1]); !errors.Is(err, ErrExit) || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("ParseExit(%s, %s): error %v, want one with %q", c[0], c[1], err, c[2])
		}
	}
	for want, e := range map[string]Exit{"min_steps is -1": {Criterion: KL, MinSteps: -1}, "every -2 steps": {Criterion: KL, Every: -2}} {
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want one with %q", e, err, want)
		}
	}
}

func TestExitChecks(t *testing.T) {
	for _, c := range []struct {
		min, every int
		want       []int
	}{{0, 0, []int{0, 1, 2, 3, 4, 5, 6, 7}}, {6, 1, []int{6, 7}}, {0, 4, []int{0, 4}}, {1, 3, []int{1, 4, 7}}} {
		var got []int
		for step := range 8 {
			if (Exit{MinSteps: c.min, Every: c.every}).Checks(step) {
				got = append(got, step)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("min_steps %d, every %d: checks steps %v, want %v", c.min, c.every, got, c.want)
		}
	}
}
