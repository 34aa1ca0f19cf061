package tune

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/ref"
	"muninn/vk"
	"muninn/vk/vktest"
)

// fake measures nothing: a program takes what cost says, within chance.
func fake(ctx context.Context, d *vk.Device, cost func(e *entry) time.Duration) *meter {
	m, n := newMeter(ctx, d, false, time.Time{}), 0
	m.limit = time.Minute
	m.read = func(e *entry) (sample, error) {
		n++
		took := cost(e)
		took += took * time.Duration(n%4) / 200
		return sample{device: took, wall: 2 * took}, nil
	}
	return m
}

// far is how much longer than at its best a number lets a product take.
func far(now, best int) float64 {
	return 1 + 0.15*math.Abs(math.Log2(float64(now)/float64(best)))
}

// valley is a device on which products do best with 8 rows of weights and 16 of x, or 2 of weights if they are wide.
func valley(e *entry) time.Duration {
	if e.config.gemv == nil {
		return time.Millisecond
	}
	best := 8
	if e.at.use == 2 {
		best = 2
	}
	took := far(e.config.gemv.WeightRows, best)
	if e.at.n > 1 {
		took *= 4 * far(min(e.config.gemv.XRows, e.at.n), 16)
	}
	return time.Duration(float64(time.Millisecond) * took)
}

// Quick or full, what is chosen is within 3 % of the best that there is.
func TestFindsBest(t *testing.T) {
	for _, level := range []Level{Quick, Full} {
		d := posing(t, vktest.Names()[0])
		j := job(level, format.BF16)
		j.Uses = j.Uses[:3]
		j.Kernels.Off = []shaders.Off{{Name: "gemv lanes"}} // few ways that take long to compile
		r, err := run(t.Context(), d, j, fake(t.Context(), d, valley), nil)
		if err != nil || r.Why != "" || len(r.Choices) != 3 || len(r.Measured.GEMVs) != 3 {
			t.Fatalf("%v: %+v, %v", level, r, err)
		}
		for _, c := range r.Choices {
			use := 0
			for i, u := range j.Uses {
				if u.Product == c.Product {
					use = i
				}
			}
			cost := func(g shaders.GEMV) float64 {
				one, many := &entry{at: situation{use, 1}, config: config{gemv: &g}}, &entry{at: situation{use, 16}, config: config{gemv: &g}}
				return valley(one).Seconds() + valley(many).Seconds()/16
			}
			k, err := shaders.New(d, j.Kernels)
			if err != nil {
				t.Fatal(err)
			}
			best := math.Inf(1)
			for _, g := range every(k.GEMVs(c.Product), c.Rule) {
				best = min(best, cost(g))
			}
			if got := cost(c.GEMV); got > 1.03*best || c.Ratio > 0.95 {
				t.Errorf("%v: %s by %s takes %.2f of the best, ratio %.2f", level, Named(c.Product), Form(c.GEMV), got/best, c.Ratio)
			}
		}
	}
}

// What the self-test finds wrong never wins, however fast it is; a setting of the device neither.
func TestWrongNeverWins(t *testing.T) {
	d := posing(t, vktest.Names()[0])
	j := job(Quick, format.BF16)
	j.Uses = j.Uses[:1]
	wrong := map[string][]byte{}
	for _, kernel := range []string{"vec_sg", "wg"} {
		misread, err := shaders.SPIRV("matmul_f16_" + kernel)
		if err != nil {
			t.Fatal(err)
		}
		wrong["matmul_bf16_"+kernel] = misread
	}
	j.Kernels = ref.Replacing(j.Kernels, wrong)
	r, err := run(t.Context(), d, j, fake(t.Context(), d, valley), nil)
	if err != nil || len(r.Said()) > 0 || !strings.Contains(r.Why, "self-test") || r.Choices[0].GEMV != r.Choices[0].Rule {
		t.Errorf("%+v, %v", r, err)
	}
	j.Needs = []string{"matmul bf16"}
	r, err = run(t.Context(), d, j, fake(t.Context(), d, func(e *entry) time.Duration {
		if len(e.config.settings) > 0 {
			return time.Millisecond / 2
		}
		return time.Millisecond
	}), nil)
	if err != nil || len(r.Said()) > 0 {
		t.Errorf("a setting: %+v, %v", r, err)
	}
}

// A device that is lost, or out of memory, is an error; a caller who has had enough is heard at once; a slow device is left in time.
func TestEnds(t *testing.T) {
	d := posing(t, vktest.Names()[0])
	vktest.Fail(d, vktest.Submit, 20)
	if r, err := Run(t.Context(), d, job(Quick, format.BF16), nil); !errors.Is(err, vk.ErrDeviceLost) || len(r.Said()) > 0 {
		t.Errorf("lost: %+v, %v", r, err)
	}
	d = posing(t, vktest.Names()[0])
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	if _, err := Run(ctx, d, job(Full, format.BF16), nil); !errors.Is(err, context.Canceled) || time.Since(start) > 3*time.Second {
		t.Errorf("cancelled: %v after %v", err, time.Since(start))
	}
	slow := fake(t.Context(), d, valley)
	slow.limit = 3 * time.Second
	quick := slow.read
	slow.read = func(e *entry) (sample, error) {
		time.Sleep(100 * time.Millisecond)
		return quick(e)
	}
	start = time.Now()
	j := job(Quick, format.BF16)
	if r, err := run(t.Context(), d, j, slow, nil); err != nil || time.Since(start) > 2*slow.limit { // of which compiling is what nothing ends
		t.Errorf("slow: %+v, %v after %v", r, err, time.Since(start))
	}
}
