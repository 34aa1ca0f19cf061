//go:build cgo

package vk_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

func TestDevices(t *testing.T) {
	list, err := vk.Devices()
	must(t, err)
	for _, name := range vktest.Names() {
		choice, err := vk.Select(list, name)
		i := choice.Index
		must(t, err)
		c := list[i]
		if c.Index != i || !c.IsCPU() || c.Supported() != nil || c.SubgroupSize == 0 || len(c.Heaps) == 0 || len(c.MemoryTypes) == 0 ||
			c.ShardLimit() < 128<<20 || c.MaxWorkgroupInvocations < 128 || c.DriverUUID == "" || c.Driver == "" {
			t.Errorf("%s: %+v", name, c)
		}
		b, err := json.Marshal(c)
		must(t, err)
		var back vk.Caps
		must(t, json.Unmarshal(b, &back))
		again, err := json.Marshal(back)
		must(t, err)
		if !reflect.DeepEqual(b, again) {
			t.Errorf("%s does not survive JSON", name)
		}
	}
	if _, err := vk.Open(vk.Options{Device: "no such device"}); !errors.Is(err, vk.ErrNoDevice) {
		t.Errorf("opening what is not there: %v", err)
	}
}

func TestSubgroupSize(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		caps := d.Caps()
		code := spirv(t, "subgroup")
		y := alloc(t, arena(t, d, vk.DeviceLocal), 4*128)
		for _, size := range []uint32{0, caps.SubgroupSize} {
			k, err := d.NewKernel("subgroup", code, vk.KernelOptions{SubgroupSize: size})
			must(t, err)
			p := program(t, d)
			p.Fill(y, 0)
			p.Dispatch(k, nil, [3]uint32{1, 1, 1}, vk.Cost{}, y)
			must(t, p.End())
			run(t, d, p)
			total := uint32(0)
			for i, n := range readWords(t, d, y) {
				total += n
				if size != 0 && n != 0 && n != size {
					t.Errorf("subgroup %d has %d invocations, %d were required", i, n, size)
				}
			}
			if total != 128 {
				t.Errorf("subgroups of %d invocations in all, want 128", total)
			}
		}
		for _, size := range []uint32{3, 2 * caps.SubgroupMax} {
			if _, err := d.NewKernel("subgroup", code, vk.KernelOptions{SubgroupSize: size}); !errors.Is(err, vk.ErrUnsupported) {
				t.Errorf("subgroup size %d: %v, want ErrUnsupported", size, err)
			}
		}
	})
}

func TestSpecializationConstants(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		k := kernel(t, d, "push", 7, 32, 0, 2)
		if got := k.Workgroup(); got != [3]uint32{32, 2, 2} {
			t.Errorf("workgroup %v, want [32 2 2]", got)
		}
		if k.Name() != "push" || k.Spans() != 4 {
			t.Errorf("kernel %s of %d spans", k.Name(), k.Spans())
		}
		mem := arena(t, d, vk.DeviceLocal)
		mixed, lengths := alloc(t, mem, 4*100), alloc(t, mem, 64)
		must(t, d.Fill(mixed, 0))
		p := program(t, d)
		// Bindings 0 and 2 are not used by the kernel.
		p.Dispatch(k, make([]uint32, 4), [3]uint32{1, 1, 1}, vk.Cost{}, vk.Span{}, mixed, vk.Span{}, lengths)
		must(t, p.End())
		run(t, d, p)
		if got := readWords(t, d, mixed)[0]; got != 7 {
			t.Errorf("constant 0 reached the kernel as %d, want 7", got)
		}
	})
}

// TestDamagedKernel gives a module that is no SPIR-V beyond what is checked here; it must be an error, not a crash.
func TestDamagedKernel(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for name, code := range map[string][]byte{"empty": nil, "cut": spirv(t, "add")[:100], "text": []byte("not a kernel, but twenty bytes")} {
			if _, err := d.NewKernel(name, code, vk.KernelOptions{}); err == nil || !strings.Contains(err.Error(), "kernel "+name) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := d.NewKernel("add", spirv(t, "add"), vk.KernelOptions{Spec: []uint32{1 << 20}}); !errors.Is(err, vk.ErrUnsupported) {
			t.Errorf("a workgroup of 2^20: %v", err)
		}
	})
}

// TestLostDevice loses the device under a run: the process goes on, everything says so, and a device opened anew works.
func TestLostDevice(t *testing.T) {
	for _, name := range vktest.Names() {
		for point, fault := range map[string]vktest.Fault{"submit": vktest.Submit, "wait": vktest.Wait} {
			t.Run(name+"/"+point, func(t *testing.T) {
				for attempt := range 2 {
					d := vktest.Open(t, name, vk.Options{})
					x := alloc(t, arena(t, d, vk.DeviceLocal), 256)
					k := kernel(t, d, "spin")
					p := program(t, d)
					p.Fill(x, 0)
					p.Dispatch(k, []uint32{5000}, [3]uint32{1, 1, 1}, vk.Cost{}, x)
					must(t, p.End())
					if attempt == 1 {
						run(t, d, p)
						if got := readWords(t, d, x)[5]; got != 5000 {
							t.Errorf("the new device counts to %d", got)
						}
						continue
					}
					vktest.Fail(d, fault, 3)
					err := d.Run(t.Context(), vk.RunOptions{PerSubmit: 1}, p, p, p, p, p)
					if !errors.Is(err, vk.ErrDeviceLost) || !strings.Contains(err.Error(), "op 1, spin") {
						t.Errorf("error %v, want ErrDeviceLost naming the last op", err)
					}
					if err := d.Write(x, make([]byte, 256)); !errors.Is(err, vk.ErrDeviceLost) {
						t.Errorf("write after the loss: %v", err)
					}
				}
			})
		}
	}
}

func TestFailedPipeline(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		vktest.Fail(d, vktest.Pipeline, 1)
		_, err := d.NewKernel("halve", spirv(t, "halve"), vk.KernelOptions{})
		var e *vk.Error
		if !errors.As(err, &e) || e.Name != "halve" {
			t.Errorf("error %v, want an Error naming the kernel", err)
		}
		kernel(t, d, "halve")
	})
}

func TestLeaksAreReported(t *testing.T) {
	for _, name := range vktest.Names() {
		d, err := vk.Open(vktest.Staged(vk.Options{Device: name}))
		must(t, err)
		s := alloc(t, d.NewArena("lost arena", vk.DeviceLocal), 64)
		must(t, d.Write(s, make([]byte, 64)))
		p := d.NewProgram("lost program")
		p.Fill(s, 1)
		must(t, p.End())
		err = d.Close()
		if err == nil || !strings.Contains(err.Error(), "arena lost arena") || !strings.Contains(err.Error(), "program lost program") ||
			strings.Contains(err.Error(), "by the package") {
			t.Errorf("%s: %v, want the arena and the program, and nothing else", name, err)
		}
	}
}

// TestPipelineCache opens a device with a cache that is absent, good, damaged and unwritable. Only the first and the
// damaged one are written anew.
func TestPipelineCache(t *testing.T) {
	for _, name := range vktest.Names() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			use := func() string {
				d, err := vk.Open(vk.Options{Device: name, CacheDir: dir})
				must(t, err)
				kernel(t, d, "add", 64)
				must(t, d.SavePipelineCache())
				must(t, d.Close())
				files, err := filepath.Glob(filepath.Join(dir, "*.bin"))
				must(t, err)
				if len(files) != 1 {
					t.Fatalf("files %v, want one", files)
				}
				return files[0]
			}
			path := use()
			good, err := os.ReadFile(path)
			must(t, err)
			use()
			for _, damaged := range [][]byte{nil, good[:len(good)-1], append(append([]byte(nil), good...), 0), append([]byte("x"), good[1:]...)} {
				must(t, os.WriteFile(path, damaged, 0o644))
				use()
				got, err := os.ReadFile(path)
				must(t, err)
				if reflect.DeepEqual(got, damaged) {
					t.Errorf("a damaged file of %d bytes was left as it was", len(damaged))
				}
			}
			blocked := filepath.Join(t.TempDir(), "file")
			must(t, os.WriteFile(blocked, nil, 0o644))
			d, err := vk.Open(vk.Options{Device: name, CacheDir: blocked})
			must(t, err)
			kernel(t, d, "add", 64)
			if err := d.SavePipelineCache(); err == nil {
				t.Error("saved into a directory that is a file")
			}
			must(t, d.Close())
		})
	}
}

// TestNoDriver looks for devices in a process whose loader finds no driver.
func TestNoDriver(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.json")
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), childTask+"=no driver", "VK_ICD_FILENAMES="+none, "VK_DRIVER_FILES="+none, "VK_INSTANCE_LAYERS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
