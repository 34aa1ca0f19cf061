package tune

import (
	"math/rand/v2"
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// posing is a software device taken for a GPU: timed by its own clock, with the choices of one.
func posing(t *testing.T, name string) *vk.Device {
	return vktest.Open(t, name, vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.Type = "discrete" }))
}

// A clock that lies, stands still, or says what comes to its mind ends in the rules.
func TestClock(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, lie := range map[string]func(ticks []uint64){
		"zeros": func(ticks []uint64) { clear(ticks) },
		"beyond the wall": func(ticks []uint64) {
			for i := range ticks {
				ticks[i] = uint64(i) * 1e10
			}
		},
		"a moment": func(ticks []uint64) {
			for i := range ticks {
				ticks[i] = uint64(i)
			}
		},
		"always the same": func(ticks []uint64) {
			for i := range ticks {
				ticks[i] = uint64(i) * 10000
			}
		},
		"noise": func(ticks []uint64) {
			for i, at := 1, ticks[0]; i < len(ticks); i++ {
				at += rng.Uint64N(max((ticks[len(ticks)-1]-ticks[0])/uint64(len(ticks)), 1))
				ticks[i-1], ticks[i] = ticks[max(i-1, 0)], at
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := posing(t, vktest.Names()[0])
			vktest.Clock(d, lie)
			r, err := Run(t.Context(), d, job(Quick, format.BF16), nil)
			if err != nil || len(r.Said()) > 0 || r.Ratio != 1 || r.Why == "" {
				t.Errorf("chose %v, ratio %v, why %q, error %v", r.Said(), r.Ratio, r.Why, err)
			}
			t.Log(r.Why)
		})
	}
}
