package ref

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/shaders/internal/mutant"
	"muninn/shaders/plain"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A kernel with one instruction changed fails, by its name, and nothing else does.
func TestBrokenKernels(t *testing.T) {
	broken := []struct {
		kernel   string
		from, to uint16
		nth      int    // which of the instructions, from the front; from the back below zero
		match    string // enough cases to see it
	}{
		{"matmul_bf16_vec_sg", mutant.Fma, mutant.FMix, 0, "matmul/bf16 n=1 rows"},
		{"matmul_f32_fix4_sm", mutant.FAdd, mutant.FSub, 0, "matmul/f32 n=3 rows"},
		{"matmul_f16_tile4", mutant.Fma, mutant.FMix, 0, "matmul/f16 n=17 rows"},
		{"adapter_bf16_fix4_sm", mutant.FAdd, mutant.FSub, -1, "adapter/bf16 n=2 rows"}, // the bias
		{"adapter_q4_0_tile4", mutant.FSub, mutant.FAdd, 0, "adapter/q4_0 n=17"},
		{"swiglu_q8_0_vec_sg", mutant.FDiv, mutant.FMul, 0, "swiglu/q8_0 n=1 rows"},
		{"matmul_q8_0_i8_tile4", mutant.Fma, mutant.FMix, 0, "matmul/int8 q8_0 n=17"},
		{"matmul_q4_0_i8_fix1_sg", mutant.Fma, mutant.FMix, 0, "matmul/int8 q4_0 n=1 rows"},
		{"rmsnorm_quantize_sg", mutant.FOrdLess, mutant.FOrdGreater, -1, "rmsnorm/int8"},
		{"swiglu_quantize_q4_0_i8_fix1_sg", mutant.FOrdLess, mutant.FOrdGreater, -1, "swiglu/int8 q4_0 n=1 rows"},
		{"attention_lane_quantize_f32_sg", mutant.FOrdLess, mutant.FOrdGreater, -1, "attention/int8 f32 one heads=3x96"},
		{"matmul_bf16_coop", mutant.FMul, mutant.FAdd, 0, "matmul/bf16 n=17 rows"}, // a weight's power of two
		{"matmul_f16_coop", mutant.FMul, mutant.FDiv, -1, "matmul/f16 n=17 rows"},
		{"matmul_q4_0_coop", mutant.FSub, mutant.FAdd, 0, "matmul/q4_0 n=17"},
		{"swiglu_q8_0_coop", mutant.FDiv, mutant.FMul, 0, "swiglu/q8_0 n=17"},
		{"adapter_bf16_coop", mutant.FMul, mutant.FAdd, 0, "adapter/bf16 n=17"},
		{"halves_wg", mutant.ShiftLeft, mutant.ShiftRight, 1, "matmul/bf16 n=17 rows"}, // of a pair
		{"halves_cells_wg", mutant.IMul, mutant.IAdd, 3, "adapter/bf16 n=17"},          // the cell's place
		{"embed_bf16", mutant.ShiftLeft, mutant.ShiftRight, 0, "embed/bf16"},
		{"rmsnorm_sg", mutant.FAdd, mutant.FSub, 0, "rmsnorm"},
		{"addnorm_sm", mutant.FAdd, mutant.FSub, -1, "addnorm/n="},
		{"addnorm_pair_sg", mutant.FAdd, mutant.FSub, -1, "addnorm/pair"},
		{"advance_sg", mutant.FAdd, mutant.FSub, 0, "advance"},
		{"advance_sm", mutant.FSub, mutant.FAdd, 0, "advance"},    // the change
		{"rmsnorm_wg", mutant.FAdd, mutant.FSub, 0, "rmsnorm/n="}, // of subgroups' sums
		{"addnorm_pair_quantize_wg", mutant.FOrdLess, mutant.FOrdGreater, -1, "addnorm/pair int8"},
		{"advance_wg", mutant.FSub, mutant.FAdd, 0, "advance"},
		{"compare_wg", mutant.FSub, mutant.FAdd, -1, "compare"},
		{"noise_wg", mutant.FSub, mutant.FAdd, -1, "noise"},
		{"qkvrope_f16", mutant.Fma, mutant.FMix, 0, "qkvrope/f16"},
		{"attention_f32", mutant.FDiv, mutant.FMul, 0, "attention/f32 always-last heads=3x32"},
		{"attention_staged_f16_one", mutant.FOrdGreater, mutant.FOrdLess, 0, "attention/f16 one heads=2x96"},
		{"attention_staged_q8_four", mutant.FOrdGreater, mutant.FOrdLess, 0, "attention/q8 one heads=1x32 contexts=[600]"}, // the later segment's share
		{"attention_staged_f32_many", mutant.FOrdGreater, mutant.FOrdLess, 0, "attention/f32 full heads=1x32 contexts=[300]"},
		{"attention_f16_coop", mutant.FDiv, mutant.FMul, -2, "attention/f16 one heads=3x10 contexts=[70]"},
		{"attention_q8_coop", mutant.FSub, mutant.FAdd, -1, "attention/q8 one heads=3x10 contexts=[70]"},
		{"attention_quantize_f16_coop", mutant.FOrdLess, mutant.FOrdGreater, -1, "attention/int8 f16 one heads=2x96 contexts=[700]"},
		{"attention_lane_f32_sg", mutant.FDiv, mutant.FMul, 0, "attention/f32 always-last heads=3x32"},
		{"initstate", mutant.FSub, mutant.FAdd, 0, "initstate"},
		{"argmax", mutant.FOrdGreater, mutant.FOrdLess, 0, "argmax"},
		{"edit", mutant.FDiv, mutant.FMul, 0, "edit"},
		{"sample_select", mutant.FAdd, mutant.FSub, -1, "sample/vocab=2"},
		{"sample_sum", mutant.FAdd, mutant.FSub, -1, "sample/vocab=2"},
		{"sample_draw", mutant.FAdd, mutant.FSub, -1, "sample/vocab=2"},
		{"topk", mutant.FOrdGreater, mutant.FOrdLess, 1, "topk/vocab=2"},
		{"retire", mutant.FOrdLess, mutant.FOrdGreater, 0, "retire/each"},
		{"scatter", mutant.FSub, mutant.FAdd, 0, "scatter/n="},
		{"exitgate_sg", mutant.FAdd, mutant.FSub, -1, "exitgate/"},
		{"exitgate_wg", mutant.FOrdLess, mutant.FOrdGreater, 0, "exitgate/"},
		{"exitgate_sm", mutant.FDiv, mutant.FMul, 0, "exitgate/"},
		{"rmsnorm_at_wg", mutant.FAdd, mutant.FSub, 0, "rmsnorm/at"},
		{"gather_sum", mutant.FAdd, mutant.FSub, 0, "gather/sum"},
		{"gather_first", mutant.IMul, mutant.IAdd, -1, "gather/first"},
		{"scatter_vector", mutant.IMul, mutant.IAdd, 0, "scatter/vector"},
		{"gather", mutant.IMul, mutant.IAdd, -1, "gather/n="},
		{"compare_sg", mutant.FSub, mutant.FAdd, -1, "compare"},
		{"noise_sm", mutant.FSub, mutant.FAdd, 0, "noise"},
		{"criterion_entropy_diff", mutant.FAdd, mutant.FSub, -1, "criterion/entropy_diff vocab=7"},
		{"criterion_kl", mutant.FSub, mutant.FAdd, -1, "criterion/kl vocab=7"},
		{"criterion_minp_kl", mutant.FOrdLess, mutant.FOrdGreater, 0, "criterion/minp_kl vocab=7"},
		{"criterion_argmax_stability", mutant.FAdd, mutant.FSub, -1, "criterion/argmax_stability vocab=7"},
	}
	d := vktest.Open(t, vktest.Names()[0], vk.Options{})
	for _, b := range broken {
		if matrices := strings.HasSuffix(b.kernel, "_coop") || strings.HasPrefix(b.kernel, "halves_"); matrices && len(d.Caps().Matrices) == 0 {
			t.Logf("%s: the device lists no cooperative matrices of halves; `./build.sh lab -lavapipe` has one that does", b.kernel)
			continue
		}
		t.Run(b.kernel, func(t *testing.T) {
			code, err := shaders.SPIRV(b.kernel)
			if err != nil {
				t.Fatal(err)
			}
			broken, err := mutant.Replace(code, b.from, b.to, b.nth)
			if err != nil {
				t.Fatal(err)
			}
			choices := DefaultShaders(d)
			for i := range choices {
				choices[i] = Replacing(choices[i], map[string][]byte{b.kernel: broken})
			}
			results, err := Run(context.Background(), d, Options{Match: b.match, Shaders: choices})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, r := range results {
				touched := slices.Contains(strings.Fields(r.Kernel), b.kernel)
				if !touched && (!r.OK || r.Err != nil) {
					t.Errorf("a case that does not use it fails: %v", r)
				}
				if touched && !r.OK {
					found = true
					if !strings.Contains(r.String(), b.kernel) || r.Detail == "" {
						t.Errorf("the report does not say what is broken: %v", r)
					}
				}
			}
			if !found {
				t.Errorf("%d results, none sees it", len(results))
			}
		})
	}
}

// The checks on memory see a single byte.
func TestUntouched(t *testing.T) {
	content := bytes.Repeat([]byte{1, 2, 3, 4}, 300)
	fresh := func(written bool) *operand {
		o := &operand{name: "buffer", written: written, lo: guardBytes, hi: guardBytes + len(content), start: bytes.Repeat([]byte{9}, 4096)}
		copy(o.start[guardBytes:], content)
		o.now = bytes.Clone(o.start)
		return o
	}
	end := guardBytes + len(content)
	for _, c := range []struct {
		name    string
		written bool
		at      int // byte that changes
		want    string
	}{
		{"guard before", true, guardBytes - 1, "before buffer"},
		{"guard behind", true, end, "behind buffer"},
		{"last byte of the guard", true, 4095, "behind buffer"},
		{"input", false, guardBytes + 403, "element 100"},
		{"output", true, guardBytes + 403, ""},
	} {
		o := fresh(c.written)
		o.now[c.at] ^= 1
		var v verdict
		v.untouched(o)
		got := strings.Join(v.problems, "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Scores are of rows, and a NaN never passes.
func TestCompare(t *testing.T) {
	nan := math.Float32frombits(nanWord)
	for _, c := range []struct {
		name  string
		got   []float32
		ref   reference
		limit float64
		ok    bool
	}{
		{"equal", []float32{1, 2, 3, 4}, reference{value: []float64{1, 2, 3, 4}}, 0, true},
		{"one ulp, exact", []float32{1, 2, 3, 4.0000005}, reference{value: []float64{1, 2, 3, 4}}, 0, false},
		{"one ulp", []float32{1, 2, 3, 4.0000005}, reference{value: []float64{1, 2, 3, 4}}, 1e-9, true},
		{"small row wrong beside a large one", []float32{1e9, 1e9, 3, 5}, reference{value: []float64{1e9, 1e9, 3, 4}}, 1e-9, false},
		{"left alone", []float32{1, nan, 3, 4}, reference{value: []float64{1, 2, 3, 4}}, 1, false},
		{"NaN wanted too", []float32{1, nan, 3, 4}, reference{value: plain.Widen([]float32{1, nan, 3, 4})}, 1, false},
		{"not zero where all is zero", []float32{0, 1e-6, 3, 4}, reference{value: []float64{0, 0, 3, 4}}, 1e-9, false},
		{"denormal flushed", []float32{0, 0, 3, 4}, reference{value: []float64{0, 1e-39, 3, 4}}, 1e-9, true},
		{"cancelled terms", []float32{1e-3, 0, 3, 4}, reference{[]float64{1e-3 + 1e-6, 0, 3, 4}, []float64{1, 1, 1, 1}}, 1e-9, true},
		{"beyond what terms cancel", []float32{1e-3, 0, 3, 4}, reference{[]float64{2e-3, 0, 3, 4}, []float64{1, 1, 1, 1}}, 1e-9, false},
	} {
		if s := compare(c.got, c.ref, 2, c.limit); (s.problem == "") != c.ok {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}
