package shaders

import (
	"slices"
	"testing"

	"muninn/shaders/format"
	"muninn/vk"
)

// What was measured comes before the rule, and what rests on it follows; what the options fix, what was found wrong, and what the device
// cannot have come before that.
func TestMeasured(t *testing.T) {
	const why = "measured: 0.81 of the rule's time"
	told := gpu
	told.Matrices, told.IntegerDot, told.IntegerDotAccelerated = []vk.Matrix{{M: 16, N: 16, K: 16}}, true, true
	told.MaxWorkgroupInvocations, told.MaxSharedMemory = 1024, 48<<10
	told.SubgroupMin, told.SubgroupMax, told.SubgroupSizeControl, told.FullSubgroups, told.SubgroupArithmetic = 16, 64, true, true, true
	measured := func(name, value string) Measured { return Measured{Settings: []Setting{{name, value, why}}} }
	off := func(name string, most int) []Off { return []Off{{Name: name, Most: most, Why: "wrong"}} }
	for _, c := range []struct {
		name, value string
		opt         Options
		want, why   string
	}{
		{"subgroup", "16", Options{}, "16", why},
		{"subgroup", "8", Options{}, "32", "a size that can be counted on"},
		{"subgroup", "16", Options{Reduction: SharedMemory}, "0", asked},
		{"subgroup", "16", Options{Off: off("subgroup", 0)}, "0", "wrong"},
		{"gemv rows", "8", Options{}, "8", why},
		{"gemv rows", "8", Options{VecRows: 4}, "4", asked},
		{"gemv rows", "nonsense", Options{}, "16", "more rows are faster in tiles of shared memory"},
		{"int8 q8_0", "false", Options{}, "false", why},
		{"int8 q8_0", "false", Options{Activations: Int8Activations}, "true", asked},
		{"int8 q8_0", "true", Options{Off: off("int8", 0)}, "false", "see int8"},
		{"integer dot", "mixed", Options{}, "mixed", why},
		{"matrix units", "false", Options{}, "false", why},
		{"matrix units", "false", Options{Matrices: MatrixUnits}, "true", asked},
		{"tile results", "4", Options{}, "4", why},
		{"tile results", "4", Options{TileResults: 8}, "8", asked},
		{"int8 tiles", "false", Options{Matrices: FloatTiles}, "false", why},
		{"int8 tiles", "true", Options{}, "false", "matrix units are faster"},
		{"norm lanes", "64", Options{}, "64", why},
		{"norm lanes", "64", Options{Off: off("subgroup", 0)}, "0", "see subgroup"},
		{"attention queries", "0", Options{}, "0", why},
		{"attention queries", "16", Options{Off: off("attention queries", 4)}, "4", "wrong"},
		{"attention positions", "256", Options{}, "256", why},
		{"attention positions", "512", Options{}, "128", "workgroups for a large GPU, and room for two in shared memory"},
		{"attention loads", "8", Options{Off: off("tiles", 0)}, "4", "few registers"}, // nothing is staged
		{"norm rows", "0", Options{}, "0", "the GPU would wait for a norm on one subgroup"},
		{"tiles", "false", Options{}, "true", "rows share what is read"},
	} {
		c.opt.Measured = measured(c.name, c.value)
		tuned := Tune(told, 32, c.opt)
		i := slices.IndexFunc(tuned.Settings(), func(s Setting) bool { return s.Name == c.name })
		if got := tuned.Settings()[i]; got.Value != c.want || got.Why != c.why {
			t.Errorf("%s measured as %s with %+v: %+v, want %s, %s", c.name, c.value, c.opt, got, c.want, c.why)
		}
	}
	for _, name := range []string{"matrix units", "tile results"} { // the rule's value and another
		if list := Tune(told, 32, Options{}).Measurable(name); len(list) != 2 {
			t.Errorf("%s can be measured as %v", name, list)
		}
	}
	tuned := Tune(told, 32, Options{Measured: measured("subgroup", "16")})
	if list := tuned.Measurable("norm lanes"); tuned.Subgroup != 16 || len(list) != 7 || list[0] != "16" {
		t.Errorf("norms of %v lanes with subgroups of 16", list)
	}
}

// A measured GEMV is that of its product, in whatever op it stands; what the device cannot have of it, or does without, is the rule's.
func TestMeasuredGEMV(t *testing.T) {
	p := Product{"matmul", format.Q4_0, 5280, 17920, true}
	any := p
	any.Rows, any.Cols = 0, 0
	options := func(p Product, g GEMV, off ...Off) Options {
		return Options{Measured: Measured{GEMVs: []MeasuredGEMV{{Product: p, GEMV: g}}}, Off: off}
	}
	rule := Tune(gpu, 32, Options{}).GEMV("matmul", p.Format, p.Rows, p.Cols, true)
	best := rule
	best.WeightRows, best.XRows = 8, 16
	less, wild := best, best
	less.XRows, wild.WeightRows = 4, 1000
	spared := best
	spared.WeightRows = rule.WeightRows
	for _, c := range []struct {
		opt  Options
		op   string
		cols int
		want GEMV
	}{
		{options(p, best), "matmul", p.Cols, best},
		{options(p, best), "matmul_norm_quantize", p.Cols, best},
		{options(p, best), "swiglu", p.Cols, rule},
		{options(p, best), "matmul", 5280, rule},
		{options(any, best), "matmul", 5280, best},
		{options(p, best, Off{Name: "x rows", Most: 4}), "matmul", p.Cols, less},
		{options(p, wild), "matmul", p.Cols, spared},
	} {
		if got := Tune(gpu, 32, c.opt).GEMV(c.op, p.Format, p.Rows, c.cols, true); got != c.want {
			t.Errorf("%s of %d columns with %+v: %+v, want %+v", c.op, c.cols, c.opt, got, c.want)
		}
	}
}
