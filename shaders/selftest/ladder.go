package selftest

import (
	"fmt"
	"slices"
	"strings"

	"muninn/shaders"
)

// rung is what a device does without when kernels of that kind are wrong on it.
type rung struct {
	off  string // the choice, a row of the table in package shaders
	most int    // what it is at most then
	of   func(kernel string) bool
}

func has(parts ...string) func(string) bool {
	return func(kernel string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(kernel+"_", p) })
	}
}

var matmuls = has("matmul_", "swiglu_", "adapter_")

// rungs are tried in this order, each once, until the kernel in question is right or no longer used: matrix units and integers before floats, fused
// before separate, many rows before few, subgroups before shared memory.
var rungs = []rung{
	{"attention in halves", 0, has("attention_f16_coop_", "attention_q8_coop_", "attention_quantize_f16_coop_", "attention_quantize_q8_coop_")},
	{"matrix units", 0, has("_coop_", "halves_")},
	{"int8 tiles", 0, has("_i8_tile4_")},
	{"integer dot", 0, has("_i8_")},
	{"int8 written", 0, has("swiglu_quantize_", "attention_quantize_", "attention_lane_quantize_", "attention_staged_quantize_")},
	{"int8", 0, has("_i8_", "_quantize_")},
	{"norm rows", 0, has("matmul_norm_")},
	{"gemv lanes", 0, func(kernel string) bool { return has("_wg_")(kernel) && matmuls(kernel) }},
	{"norm lanes", 0, func(kernel string) bool { return has("_wg_")(kernel) && !matmuls(kernel) }},
	{"texel buffers", 0, has("_texel_", "attention_lane_")},
	{"tile results", 4, has("_tile8_")},
	{"tiles", 0, has("_tile_", "_tile4_", "_tile8_")},
	{"attention queries", 4, has("_many_")},
	{"attention queries", 0, has("attention_staged_")},
	{"x rows", 4, has("_vec_")},
	{"x rows", 1, has("_vec_", "_fix4_")},
	{"unrolled loops", 0, has("_vec_")},
	{"arrivals", 0, has("matmul_norm_", "attention_", "swiglu_quantize_", "argmax_", "topk_")},
	{"subgroup", 0, has("_sg_")},
}

// next is what is taken away when kernels are found wrong, beside what already is; false where their ladders end.
func next(kernels []string, wrong string, off []shaders.Off) (shaders.Off, bool) {
	for _, r := range rungs {
		i := slices.IndexFunc(kernels, r.of)
		tried := slices.ContainsFunc(off, func(o shaders.Off) bool { return o.Name == r.off && o.Most <= r.most })
		if i >= 0 && !tried {
			return shaders.Off{Name: r.off, Most: r.most, Why: fmt.Sprintf("found wrong on this device: %s: %s", kernels[i], wrong)}, true
		}
	}
	return shaders.Off{}, false
}
