package tune

import (
	"testing"
	"time"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/ref"
	"muninn/vk"
	"muninn/vk/vktest"
)

// job is a small model's.
func job(level Level, f format.Type) Job {
	use := func(op string, rows, cols int, times float64) Use {
		return Use{Product: shaders.Product{Op: op, Format: f, Rows: rows, Cols: cols, Int8: op != "adapter"}, Times: times}
	}
	joins := use("matmul", 528, 1792, 4)
	joins.Normed = true
	return Job{Level: level, Needs: []string{ref.Rest, "kv f32", "matmul " + f.String(), "swiglu " + f.String()},
		Uses: []Use{use("matmul", 1584, 528, 4), use("swiglu", 1792, 528, 4), joins, use("adapter", 528, 2*shaders.Padded(528), 4),
			{Product: shaders.Product{Op: Norm, Cols: 528}, Times: 16}, {Product: shaders.Product{Op: Attention}, Heads: Heads{Queries: 8, Keys: 8, Dim: 66}, Times: 4}}}
}

// On both software drivers something is measured in time, what is chosen is no slower than the rules, and the self-test has passed it.
func TestRun(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, f := range []format.Type{format.BF16} {
			j, start := job(Quick, f), time.Now()
			r, err := Run(t.Context(), d, j, nil)
			if err != nil {
				t.Fatal(err)
			}
			if took, most := time.Since(start), j.Level.Limit(d.Caps()); took > most+most/4 {
				t.Errorf("%v: took %v of %v", f, took, most)
			}
			t.Logf("%v: %v %q ratio %.2f in %v", f, r.Said(), r.Why, r.Ratio, r.Took)
			for _, c := range r.Choices {
				t.Logf("  %-32s share %.2f %.3f ms: %s -> %s %.2f", Named(c.Product), c.Share, c.OneRow*1e3, Form(c.Rule), Form(c.GEMV), c.Ratio)
				for _, tr := range c.Trials {
					t.Logf("      %-40s %.2f %v", tr.Name, tr.Ratio, tr.Won)
				}
			}
			for _, tr := range r.Settings {
				t.Logf("  %-40s %.2f %v", tr.Name, tr.Ratio, tr.Won)
			}
		}
	})
}
