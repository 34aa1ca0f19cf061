package ref

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/shaders/internal/mutant"
	"muninn/tools/glsl/table"
	"muninn/vk"
	"muninn/vk/vktest"
)

// variants compiles the kernels whose names match prefix with defines beside their own: what some driver does, or what a
// kernel would be without a precaution.
func variants(t *testing.T, prefix string, defines ...string) map[string][]byte {
	t.Helper()
	f, err := os.Open("../variants.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := table.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	code := map[string][]byte{}
	for _, v := range list {
		if !strings.HasPrefix(v.Name, prefix) || strings.HasSuffix(v.Name, "_coop") { // those tools/glsl translates
			continue
		}
		v.Defines = slices.Concat(v.Defines, defines)
		out := filepath.Join(t.TempDir(), v.Name)
		if msg, err := exec.Command("glslc", v.Args("..", out)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", v.Name, err, msg)
		}
		if code[v.Name], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	return code
}

// failures runs the cases that match with kernels replaced, and returns those that fail. Some must have run on a replaced
// kernel.
func failures(t *testing.T, d *vk.Device, match string, code map[string][]byte) []Result {
	t.Helper()
	choices := DefaultShaders(d)
	for i := range choices {
		choices[i] = Replacing(choices[i], code)
	}
	results, err := Run(context.Background(), d, Options{Match: match, Shaders: choices})
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	var failed []Result
	for _, r := range results {
		if _, ok := code[r.Kernel]; ok {
			replaced++
		}
		if r.Err != nil || !r.OK {
			failed = append(failed, r)
		}
	}
	if replaced == 0 && len(code) > 0 {
		t.Errorf("no case that matches %q runs a replaced kernel", match)
	}
	return failed
}

// A driver that reads subnormal halves as zero loses nothing of small weights, whose scales would be subnormal; f16 weights
// are small halves themselves. Stored as a file has them, they would be lost.
func TestSubnormalHalvesFlushed(t *testing.T) {
	cases := map[string]map[string][]byte{}
	for match, kernels := range map[string]string{
		"matmul/f16 n=1 rows=67": "matmul_f16", "matmul/q8_0 n=1 rows=67": "matmul_q8_0", "matmul/q4_0 n=20 rows=67": "matmul_q4_0_tile",
		"matmul/int8 q8_0 n=1 rows=67": "matmul_q8_0_i8", "swiglu/q8_0 n=20 rows=67": "swiglu_q8_0_tile",
		"adapter/q4_0 n=1 rows=67": "adapter_q4_0_", "embed/q8_0 vocab=61 d=328": "embed_q8_0",
	} {
		cases[match] = variants(t, kernels, "FLUSH_HALVES")
	}
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for match, code := range cases {
			for _, r := range failures(t, d, match, code) {
				t.Error(r)
			}
		}
	})
}

// Dots of mixed signs, for GPUs that are fast at no others, are checked on every device (TestKernels): one with the wrong signs fails.
func TestMixedDots(t *testing.T) {
	broken := map[string][]byte{}
	for _, name := range []string{"matmul_q8_0_i8_vec_sg", "swiglu_q8_0_i8_vec_sg"} {
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		if broken[name], err = mutant.Replace(code, mutant.SUDot, mutant.SDot, 0); err != nil {
			t.Fatal(err)
		}
	}
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, match := range []string{"matmul/int8 q8_0 n=1 rows", "swiglu/int8 q8_0 n=1 rows"} {
			if len(failures(t, d, match, broken)) == 0 {
				t.Errorf("no case of %s runs dots of mixed signs", match)
			}
		}
	})
}

// Keys and values in halves are rounded to the nearest by integers, whatever the driver's packing does: the same kernel
// without that step cuts the rest off, and the cases see it.
func TestHalvesAreRounded(t *testing.T) {
	truncating := variants(t, "qkvrope_f16", "UNROUNDED_HALVES")
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, r := range failures(t, d, "qkvrope/f16", map[string][]byte{}) {
			t.Error(r)
		}
		if failed := failures(t, d, "qkvrope/f16", truncating); len(failed) < 8 {
			t.Errorf("%d cases see a kernel that cuts halves off", len(failed))
		}
	})
}
