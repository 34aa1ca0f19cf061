//go:build cgo

package vk_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"muninn/vk"
	"muninn/vk/vktest"
)

// child does a task on every device and returns the exit code.
func child(task string) int {
	if task == "setup" {
		setupTask()
		return 0
	}
	if task == "no driver" {
		if _, err := vk.Devices(); !errors.Is(err, vk.ErrNoDriver) {
			fmt.Println("devices:", err)
			return 1
		}
		return 0
	}
	for _, name := range vktest.Names() {
		if err := chain(name, task); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	fmt.Println("child done")
	return 0
}

// chain runs a program whose ops depend on each other through memory: a fill, dispatches, indirect counts and a copy.
// Task "drop" leaves out the barriers between them, "misaligned" binds at an offset that is not allowed, "subgroup" requires
// a subgroup size that the device lacks.
func chain(name, task string) (err error) {
	opt := vk.Options{Device: name}
	if task == "misaligned" {
		opt = vktest.Limited(opt, func(c *vk.Caps) { c.OffsetAlignment = 1 })
	}
	kernelOptions := vk.KernelOptions{}
	if task == "subgroup" {
		opt = vktest.Limited(opt, func(c *vk.Caps) { c.SubgroupMax = 64 })
		kernelOptions.SubgroupSize = 64
	}
	d, err := vk.Open(opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if task == "drop" {
		vktest.DropBarriers(d)
	}
	code := make(map[string]*vk.Kernel)
	for _, k := range []string{"halve", "settled"} {
		b, err := os.ReadFile("testdata/" + k + ".spv")
		if err != nil {
			return err
		}
		if code[k], err = d.NewKernel(k, b, kernelOptions); err != nil {
			return err
		}
	}
	a := d.NewArena("chain", vk.DeviceLocal)
	defer a.Free()
	var spans [5]vk.Span
	for i := range spans {
		if spans[i], err = a.Alloc(512); err != nil {
			return err
		}
	}
	x, y, work, check, count := spans[0].Slice(0, 256), spans[1], spans[2].Slice(0, 12), spans[3].Slice(0, 12), spans[4].Slice(0, 4)
	if task == "misaligned" {
		x = spans[0].Slice(4, 256) // an offset that no driver here allows
	}
	p := d.NewProgram(task)
	defer p.Free()
	p.Fill(x, 0)
	p.Fill(work, 1)
	p.Fill(check, 1)
	p.Fill(count, 0)
	for range 3 {
		p.DispatchIndirect(code["halve"], []uint32{64}, work, vk.Cost{}, x)
		p.DispatchIndirect(code["settled"], struct {
			N         uint32
			Tolerance float32
		}{64, 0.5}, check, vk.Cost{}, x, work, check, count)
	}
	p.Copy(y.Slice(0, 256), x)
	if err := p.End(); err != nil {
		return err
	}
	if dropped := p.Hazards() != nil; dropped != (task == "drop") {
		return fmt.Errorf("the program's own check for hazards says %v", p.Hazards())
	}
	return d.Run(context.Background(), vk.RunOptions{}, p, p)
}
