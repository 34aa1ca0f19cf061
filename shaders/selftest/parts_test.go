package selftest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"muninn/shaders"
	"muninn/shaders/ref"
	"muninn/vk"
)

// Parts have everything that is needed, once, and about as much to do each.
func TestDeal(t *testing.T) {
	needs := []string{"adapter bf16 small", "embed bf16", "kv f16 32 2", "matmul bf16 small", ref.Rest, "swiglu bf16 small"}
	for most, want := range map[int]int{1: 17, 2: 9, 9: 5} {
		parts := deal(needs, most)
		if got := slices.Sorted(slices.Values(slices.Concat(parts...))); !slices.Equal(got, needs) || len(parts) != min(most, len(needs)) {
			t.Errorf("%v in %d parts", parts, most)
		}
		for _, part := range parts {
			sum := 0
			for _, need := range part {
				op, _, _ := strings.Cut(need, " ")
				sum += max(weights[op], 1)
			}
			if sum > want {
				t.Errorf("%v of %d parts takes %d, want %d at most", part, most, sum, want)
			}
		}
	}
}

// A part that finds something wrong ends the others, and only its kernels are blamed. Where a device is lost, which all parts on it may be
// told, they go one after the other: whoever was at what loses it is found, the others are not blamed.
func TestPartsAreBlamedAlone(t *testing.T) {
	for name, lost := range map[string]bool{"wrong": false, "lost": true} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			down, tries := false, 0
			pass := func(ctx context.Context, j Job, tell func(Event)) error {
				mu.Lock()
				defer mu.Unlock()
				tries++
				for _, need := range j.Needs {
					kernel := map[string]string{"matmul bf16": "matmul_bf16_texel_sg", ref.Rest: "rmsnorm_sg"}[need]
					tell(Event{Kernels: []string{kernel}, Total: 1})
					switch bad := need == "matmul bf16" && len(j.Kernels.Off) == 0; {
					case bad && lost:
						down = true
						return vk.ErrDeviceLost
					case bad:
						tell(Event{Kernels: []string{kernel}, Result: true, Wrong: "nmse 1", Total: 1})
						return nil
					case down && len(j.Needs) == 1 && lost:
						return vk.ErrDeviceLost // with the other
					}
					tell(Event{Kernels: []string{kernel}, Result: true, Total: 1})
				}
				return ctx.Err()
			}
			v, err := Prove(context.Background(), "", vk.Caps{}, shaders.Options{}, []string{ref.Rest, "matmul bf16"}, pass, nil)
			if err != nil || !slices.Equal(names(v.Off), []string{"texel buffers"}) || !strings.Contains(v.Off[0].Why, "matmul_bf16_texel_sg") || v.Kernels["rmsnorm_sg"] != "" {
				t.Errorf("off %+v, kernels %v, error %v after %d passes", v.Off, v.Kernels, err, tries)
			}
		})
	}
	pass := func(context.Context, Job, func(Event)) error { return errors.New("no room") }
	if v, err := Prove(context.Background(), "", vk.Caps{}, shaders.Options{}, []string{ref.Rest, "matmul bf16"}, pass, nil); err == nil || len(v.Off) > 0 {
		t.Errorf("off %+v, error %v", v.Off, err)
	}
}
