package tune

import (
	"slices"
	"strings"
	"testing"
	"time"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkTune gives the time of what a quick search and the rules choose, against the best of all that there is, as CPU time in turn: the worst
// product of each device and format.
//
//	go test -run - -bench Tune -benchtime 1x ./shaders/tune
func BenchmarkTune(b *testing.B) {
	for _, name := range vktest.Names() {
		for _, c := range []struct {
			name    string
			f       format.Type
			kernels shaders.Options
		}{{"bf16", format.BF16, shaders.Options{}}, {"q4_0", format.Q4_0, shaders.Options{}},
			{"bf16, storage buffers", format.BF16, shaders.Options{Loads: shaders.StorageBuffers}}, // by rules for another device
			{"q4_0, storage buffers", format.Q4_0, shaders.Options{Loads: shaders.StorageBuffers, Activations: shaders.FloatActivations}},
			{"attention, storage buffers", format.BF16, shaders.Options{Loads: shaders.StorageBuffers}}} {
			b.Run(name+" "+c.name, func(b *testing.B) {
				d := vktest.Open(b, name, vk.Options{})
				j := job(Quick, c.f)
				j.Kernels = c.kernels
				if j.Uses = j.Uses[:2]; strings.HasPrefix(c.name, Attention) {
					j.Uses = job(Quick, c.f).Uses[5:]
				}
				for b.Loop() {
					quick, rules := againstAll(b, d, j)
					b.ReportMetric(quick, "quick/best")
					b.ReportMetric(rules, "rules/best")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// ways are all settings of attention together.
func ways(t shaders.Tuning) []config {
	list := []config{{}}
	for _, name := range attentionSettings {
		var more []config
		for _, c := range list {
			for _, v := range t.Measurable(name) {
				more = append(more, config{settings: append(slices.Clip(c.settings), shaders.Setting{Name: name, Value: v, Why: "a test"})})
			}
		}
		list = more
	}
	return list
}

func againstAll(b *testing.B, d *vk.Device, j Job) (quick, rules float64) {
	k, err := shaders.New(d, j.Kernels)
	if err != nil {
		b.Fatal(err)
	}
	m := newMeter(b.Context(), d, k.SharesCPU, time.Time{})
	m.limit = 5 * time.Minute
	r, err := run(b.Context(), d, j, m, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("settings: %v", r.Settings)
	for _, c := range r.Choices {
		b.Logf("%s: %s of %s, %.2f; tried %v; %s", Named(c.Product), Form(c.GEMV), Form(c.Rule), c.Ratio, c.Trials, r.Why)
	}
	m = newMeter(b.Context(), d, k.SharesCPU, time.Now().Add(time.Hour))
	bench, err := newBench(m, j)
	if err != nil {
		b.Fatal(err)
	}
	defer bench.free()
	s := &search{bench: bench}
	tuned, ruled := j.Kernels, k.Tuning
	tuned.Measured.Settings = r.Measured.Settings
	if k, err = shaders.New(d, tuned); err != nil {
		b.Fatal(err)
	}
	for i, u := range j.Uses {
		chosen := config{settings: r.Measured.Settings}
		for _, g := range r.Measured.GEMVs {
			if g.Rows == u.Rows && g.Cols == u.Cols && g.Op == u.Op {
				chosen.gemv = &g.GEMV
			}
		}
		list := []config{chosen, {}}
		if u.Op == Attention {
			list = append(list, ways(ruled)...)
		}
		for _, g := range every(k.GEMVs(u.Product), rule(k.Tuning, u)) {
			if u.product() {
				list = append(list, config{r.Measured.Settings, &g})
			}
		}
		entries, err := s.compare(i, list, finalRounds, 2)
		if err != nil {
			b.Fatal(err)
		}
		times := make([]float64, len(list))
		best := 0
		for n, e := range entries {
			if e != nil {
				if times[n] = s.weighed(i, leasts(e)); times[n] < times[best] {
					best = n
				}
			}
		}
		// The least of many is less than it would be once more.
		if entries, err = s.compare(i, []config{chosen, {}, list[best]}, 3*finalRounds, 10); err != nil {
			b.Fatal(err)
		}
		for n, e := range entries {
			times[n] = s.weighed(i, leasts(e))
		}
		b.Logf("%s: quick %.3f, rules %.3f of the best, %v", Named(u.Product), times[0]/times[2], times[1]/times[2], list[best])
		quick, rules = max(quick, times[0]/times[2]), max(rules, times[1]/times[2])
	}
	return quick, rules
}
