package ref

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// choices are the device's; of short tests, those that compile no kernel for each number of rows up to 16.
func choices(d *vk.Device) []shaders.Options {
	list := DefaultShaders(d)
	for i := range list {
		if testing.Short() {
			list[i].VecRows = min(list[i].VecRows, 4)
		}
	}
	return list
}

// Every case on every device, and every compiled kernel in some case. Short tests, which are the validation layer's, run the same kernels
// once: it looks at pipelines, bindings and barriers, not at values.
func TestKernels(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		ran := map[string]bool{}
		results, err := Run(context.Background(), d, Options{Shaders: choices(d), Once: testing.Short()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil || !r.OK {
				t.Error(r)
			}
			for _, name := range strings.Fields(r.Kernel) {
				ran[name] = true
			}
		}
		for _, name := range shaders.Names() {
			if (strings.HasSuffix(name, "_vec_sg") || strings.HasSuffix(name, "_texel_sg") || strings.HasPrefix(name, "attention_lane_")) && !shaders.Unrolls(d.Caps()) {
				continue // never chosen there
			}
			if strings.Contains(name, "_i8_") && !d.Caps().IntegerDot {
				continue
			}
			if matrixUnits := strings.HasSuffix(name, "_coop") || name == "halves_cells_wg"; matrixUnits && len(d.Caps().Matrices) == 0 {
				t.Logf("%s: the device lists no cooperative matrices of halves", name)
				continue
			}
			if !ran[name] {
				t.Errorf("no case runs %s", name)
			}
		}
	})
}

// A model's real sizes, in as many shards as they take, on the faster driver.
func TestLarge(t *testing.T) {
	d := vktest.Open(t, vktest.Names()[0], vk.Options{})
	results, err := Run(context.Background(), d, Options{Large: true, Match: "large "})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		t.Error("no case is large")
	}
	for _, r := range results {
		if r.Err != nil || !r.OK {
			t.Error(r)
		}
	}
}

// A case is known by its name: its inputs depend on it.
func TestCaseNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases() {
		name := c.Op + "/" + c.Name
		if seen[name] {
			t.Errorf("%s: two cases of this name", name)
		}
		seen[name] = true
		if c.Why == "" {
			t.Errorf("%s: the limit has no reason", name)
		}
	}
	for _, name := range shaders.Names() {
		op, _, _ := strings.Cut(name, "_")
		if !slices.ContainsFunc(Cases(), func(c Case) bool { return c.Op == op }) {
			t.Errorf("kernel %s: no cases of operation %s", name, op)
		}
	}
}

// A case that the context or the loss of the device ended is no result: nothing is known of its kernels. The error names them.
func TestRunStopped(t *testing.T) {
	for name, want := range map[string]error{"interrupt": context.Canceled, "lost": vk.ErrDeviceLost} {
		d := vktest.Open(t, vktest.Names()[0], vk.Options{})
		ctx, stop := context.WithCancel(t.Context())
		told, begun := 0, 0
		results, err := Run(ctx, d, Options{Match: "embed/", Progress: func(Result) { told++ }, Begin: func(int, int, Case) { begun++ },
			Kernel: func(names string) {
				switch {
				case begun < 3:
				case want == context.Canceled:
					stop()
				default:
					vktest.Fail(d, vktest.Submit, 1)
				}
			}})
		stop()
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "embed/") || !strings.Contains(err.Error(), "[embed_") {
			t.Errorf("%s: error %v", name, err)
		}
		if len(results) == 0 || told != len(results) || slices.ContainsFunc(results, func(r Result) bool { return r.Err != nil || !r.OK }) {
			t.Errorf("%s: %d results told, got %v", name, told, results)
		}
	}
}
