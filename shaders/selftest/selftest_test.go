package selftest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"muninn/shaders"
	"muninn/shaders/internal/mutant"
	"muninn/shaders/plain"
	"muninn/shaders/ref"
	"muninn/vk"
	"muninn/vk/vktest"
)

// broken are the options of kernels some of which compute wrongly: those whose names begin so and end so.
func broken(t *testing.T, kernels ...string) shaders.Options {
	t.Helper()
	code := map[string][]byte{}
	for _, pattern := range kernels {
		before := len(code)
		for _, name := range shaders.Names() {
			if ok, _ := filepath.Match(pattern, name); !ok {
				continue
			}
			spirv, err := shaders.SPIRV(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range [][2]uint16{{mutant.Fma, mutant.FMix}, {mutant.FDiv, mutant.FMul}, {mutant.FAdd, mutant.FSub}, {mutant.FSub, mutant.FAdd}, {mutant.IMul, mutant.IAdd}} {
				if code[name], err = mutant.Replace(spirv, change[0], change[1], 0); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if len(code) == before {
			t.Fatalf("no kernel matches %s", pattern)
		}
	}
	return ref.Replacing(shaders.Options{}, code)
}

// names lists what is off.
func names(off []shaders.Off) (list []string) {
	for _, o := range off {
		list = append(list, o.Name)
	}
	return list
}

// here is the pass in this process on a device of the tests.
func here(t *testing.T, device string, prepare func(*vk.Device)) Pass {
	return Here(func(string) (*vk.Device, error) {
		d, err := vk.Open(vk.Options{Device: device})
		if err == nil && prepare != nil {
			prepare(d)
		}
		return d, err
	})
}

func capsOf(t *testing.T, device string) vk.Caps { return vktest.Open(t, device, vk.Options{}).Caps() }

// What is wrong in one variant is done without, and no more than that; where every variant is wrong, the device is refused by name.
func TestLadders(t *testing.T) {
	for _, c := range []struct {
		device, need string
		broken       []string
		off          []string // nil: refused
	}{
		{"llvmpipe", "matmul bf16", []string{"matmul_bf16_texel_sg"}, []string{"texel buffers"}},
		{"llvmpipe", "matmul bf16", []string{"matmul_norm_bf16_texel_sg"}, []string{"norm rows"}},
		{"llvmpipe", "matmul q8_0", []string{"matmul_q8_0_i8_texel_sg"}, []string{"integer dot", "int8"}},
		{"llvmpipe", "swiglu q4_0", []string{"swiglu_q4_0_texel_sg", "swiglu_q4_0_vec_sg"}, []string{"texel buffers", "x rows", "x rows", "unrolled loops"}},
		{"llvmpipe", "adapter f32", []string{"adapter_f32_*_sg"}, []string{"texel buffers", "x rows", "x rows", "unrolled loops", "subgroup"}},
		{"llvmpipe", "swiglu q8_0", []string{"swiglu_quantize_q8_0_i8_texel_sg"}, []string{"integer dot", "int8 written"}},
		{"llvmpipe", "kv f16", []string{"attention_lane_f16_sg"}, []string{"texel buffers"}},
		{"llvmpipe", "kv f16", []string{"attention_lane_quantize_f16_sg"}, []string{"int8 written"}},
		{"llvmpipe", ref.Rest, []string{"rmsnorm_sg"}, []string{"subgroup"}},
		{"llvmpipe", ref.Rest, []string{"addnorm_pair_sg"}, []string{"subgroup"}},
		{"SwiftShader", "matmul q8_0", []string{"matmul_q8_0_i8_fix1_sg"}, []string{"integer dot", "int8"}},
		{"SwiftShader", "matmul q4_0 asked", []string{"matmul_q4_0_i8_fix1_sg"}, []string{"integer dot", "int8"}},
		{"SwiftShader", "matmul q4_0", []string{"matmul_q4_0_i8_fix1_sg"}, []string{}}, // not in use
		{"SwiftShader", "adapter f16", []string{"adapter_f16_fix4_sg"}, []string{"x rows"}},
		{"llvmpipe", ref.Rest, []string{"argmax"}, nil},
		{"llvmpipe", ref.Beside, []string{"edit"}, nil},
		{"llvmpipe", "embed bf16", []string{"embed_bf16"}, nil},
		{"llvmpipe", ref.Rest, []string{"rmsnorm_s?"}, nil},
	} {
		t.Run(c.device+" "+strings.Join(c.broken, " "), func(t *testing.T) {
			if !slices.Contains(vktest.Names(), c.device) {
				return // asked for by MUNINN_SKIP_DEVICES
			}
			kernels := broken(t, c.broken...)
			need, asked := strings.CutSuffix(c.need, " asked")
			if asked {
				kernels.Activations = shaders.Int8Activations
			}
			needs := []string{need}
			if need == ref.Rest { // a break may be in what other families take alone
				needs = append(needs, ref.Further)
			}
			v, err := Prove(context.Background(), t.TempDir(), capsOf(t, c.device), kernels, needs, here(t, c.device, nil), nil)
			named := func(text string) bool {
				return slices.ContainsFunc(shaders.Names(), func(n string) bool {
					ok, _ := filepath.Match(c.broken[0], n)
					return ok && strings.Contains(text, n)
				})
			}
			if c.off == nil {
				if !errors.Is(err, ErrRefused) || !named(err.Error()) {
					t.Errorf("off %v, error %v", names(v.Off), err)
				}
				return
			}
			if err != nil || !slices.Equal(names(v.Off), c.off) || !slices.Equal(v.Tested, needs) || len(c.off) > 0 && !named(v.Off[0].Why) {
				t.Errorf("off %+v, tested %v, error %v; want off %v", v.Off, v.Tested, err, c.off)
			}
		})
	}
}

// On a GPU whose norms are wrong by several subgroups, one takes them, and so it is with GEMV; the cases for it see each of those kernels.
func TestWideLadder(t *testing.T) {
	opt := vktest.Limited(vk.Options{Device: vktest.Names()[0]}, func(c *vk.Caps) { c.Type = "discrete" })
	kernels := map[string]int{}
	for _, name := range shaders.Names() {
		if !strings.HasSuffix(name, "_wg") || strings.Contains(name, "_quantize_") || strings.Contains(name, "_i8_") || strings.HasPrefix(name, "halves_") { // which is no norm
			continue
		}
		off, needs := "norm lanes", []string{ref.Rest, ref.Beside, ref.Further}
		if matmuls(name) {
			op, format, _ := strings.Cut(strings.TrimSuffix(name, "_wg"), "_")
			off, needs = "gemv lanes", []string{op + " " + format}
		}
		kernels[off]++
		v, err := Prove(context.Background(), "", capsOf(t, opt.Device), broken(t, name), needs, Here(func(string) (*vk.Device, error) { return vk.Open(opt) }), nil)
		if err != nil || !slices.Equal(names(v.Off), []string{off}) || !strings.Contains(v.Off[0].Why, name) {
			t.Errorf("%s: off %+v, error %v", name, v.Off, err)
		}
	}
	if kernels["norm lanes"] < 6 || kernels["gemv lanes"] != 15 {
		t.Errorf("kernels by choice: %v", kernels)
	}
}

// A pipeline that does not compile and a device that is lost count as wrong kernels; the next try is on a fresh device.
func TestFaults(t *testing.T) {
	device := vktest.Names()[0]
	for name, fault := range map[string]vktest.Fault{"a pipeline fails": vktest.Pipeline, "lost when submitting": vktest.Submit, "lost while waiting": vktest.Wait} {
		t.Run(name, func(t *testing.T) {
			opened := 0
			pass := here(t, device, func(d *vk.Device) {
				if opened++; opened == 1 {
					vktest.Fail(d, fault, 1)
				}
			})
			v, err := Prove(context.Background(), "", capsOf(t, device), shaders.Options{}, []string{"matmul bf16"}, pass, nil)
			if err != nil || len(v.Off) != 1 || v.Off[0].Name != "texel buffers" && v.Off[0].Name != "x rows" || opened != 2 {
				t.Errorf("off %+v after %d devices, error %v", v.Off, opened, err)
			}
		})
	}
}

// A device without room for the test proves nothing: no kernel is wrong, none is taken as tested.
func TestNoRoom(t *testing.T) {
	device := vktest.Names()[0]
	pass := here(t, device, func(d *vk.Device) { vktest.Fail(d, vktest.Alloc, 1) })
	v, err := Prove(context.Background(), t.TempDir(), capsOf(t, device), shaders.Options{}, []string{"matmul bf16"}, pass, nil)
	if !errors.Is(err, vk.ErrOutOfMemory) || len(v.Tested) > 0 || len(v.Off) > 0 {
		t.Errorf("tested %v, off %v, error %v", v.Tested, v.Off, err)
	}
}

// A verdict is kept for a device, its driver and these kernels; what it does not cover is tested, a damaged one is not used.
func TestKept(t *testing.T) {
	dir, caps := t.TempDir(), vk.Caps{Name: "GPU", Driver: "driver 1"}
	var asked [][]string
	var mu sync.Mutex // parts run at a time
	kernels := shaders.Options{}
	pass := func(_ context.Context, j Job, tell func(Event)) error {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, j.Needs)
		tell(Event{Kernels: []string{"k"}, Result: true, Total: 1})
		return nil
	}
	start := func(c vk.Caps, want []string, needs ...string) {
		t.Helper()
		asked = nil
		v, err := Prove(context.Background(), dir, c, kernels, needs, pass, nil)
		if err != nil || len(without(needs, v.Tested)) > 0 {
			t.Errorf("tested %v, error %v", v.Tested, err)
		}
		if got := slices.Concat(asked...); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("%v was tested, want %v", got, want)
		}
	}
	start(caps, []string{"rest", "kv f16"}, "rest", "kv f16")
	start(caps, nil, "rest", "kv f16")
	start(caps, []string{"matmul q8_0"}, "rest", "matmul q8_0")
	newer := caps
	newer.Driver = "driver 2"
	start(newer, []string{"rest"}, "rest")
	start(caps, nil, "rest", "kv f16", "matmul q8_0")
	kernels.Activations = shaders.Int8Activations
	start(caps, []string{"matmul q8_0"}, "matmul q8_0")
	kernels.Activations = shaders.AutoActivations
	start(caps, nil, "matmul q8_0")
	if !strings.Contains(key(caps, kernels), shaders.Sum()) {
		t.Error("a verdict is kept for any kernels")
	}
	if v := Kept(dir, caps, kernels); v.Kernels["k"] != "" || len(v.Kernels) != 1 {
		t.Errorf("kernels %v", v.Kernels)
	}
	files, err := filepath.Glob(filepath.Join(dir, "verdict-*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(caps, []string{"rest"}, "rest")
}

// Two first starts at the same time lose nothing of each other.
func TestKeptAtOnce(t *testing.T) {
	dir, caps := t.TempDir(), vk.Caps{Name: "GPU"}
	needs := []string{"rest", "kv f16"}
	var began, ended sync.WaitGroup
	began.Add(len(needs))
	pass := func(_ context.Context, j Job, tell func(Event)) error {
		began.Done()
		began.Wait()
		tell(Event{Kernels: j.Needs, Result: true, Total: 1})
		return nil
	}
	for _, need := range needs {
		ended.Go(func() {
			if _, err := Prove(context.Background(), dir, caps, shaders.Options{}, []string{need}, pass, nil); err != nil {
				t.Error(err)
			}
		})
	}
	ended.Wait()
	if v := Kept(dir, caps, shaders.Options{}); len(without(needs, v.Tested)) > 0 || len(v.Kernels) != 2 {
		t.Errorf("kept: tested %v, kernels %v", v.Tested, v.Kernels)
	}
}

// Right drivers are found right, whatever a model asks for.
func TestRight(t *testing.T) {
	needs := []string{ref.Rest, ref.Beside, "kv f16", ref.KV(shaders.KVQ8, 32, plain.RuleLatest, true), "embed bf16", "adapter f16", "matmul q4_0", "swiglu q8_0"}
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		last := -1
		v, err := Prove(context.Background(), "", d.Caps(), shaders.Options{}, needs, here(t, d.Caps().Name, nil), func(done, total int) {
			if done < last && total > 0 || done > total {
				t.Errorf("%d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil || len(v.Off) > 0 || len(v.Kernels) < 20 {
			t.Errorf("off %+v, %d kernels, error %v", v.Off, len(v.Kernels), err)
		}
	})
}
