//go:build cgo

package vk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

// TestConcurrentUse runs programs, transfers and compilation from several goroutines: each sees its own results.
func TestConcurrentUse(t *testing.T) {
	vktest.EachWith(t, vktest.Staged(vk.Options{}), func(t *testing.T, d *vk.Device) {
		mem := arena(t, d, vk.DeviceLocal)
		code := spirv(t, "halve")
		results := make(chan error)
		const workers = 4
		for w := range workers {
			go func() {
				results <- func() error {
					x, err := mem.Alloc(256)
					if err != nil {
						return err
					}
					k, err := d.NewKernel("halve", code, vk.KernelOptions{})
					if err != nil {
						return err
					}
					p := d.NewProgram("worker")
					defer p.Free()
					p.Dispatch(k, []uint32{64}, [3]uint32{1, 1, 1}, vk.Cost{}, x)
					if err := p.End(); err != nil {
						return err
					}
					for i := range 10 {
						start := float32(w*100 + 2*i)
						data := bytes.Repeat(binary.LittleEndian.AppendUint32(nil, math.Float32bits(start)), 64)
						if err := errors.Join(d.Write(x, data), d.Run(t.Context(), vk.RunOptions{}, p, p), d.Read(x, data)); err != nil {
							return err
						}
						want := 0.5*(0.5*start+1) + 1 // exact: small integers, halved twice
						if got := math.Float32frombits(binary.LittleEndian.Uint32(data[252:])); got != want {
							return fmt.Errorf("worker %d: %v, want %v", w, got, want)
						}
					}
					return nil
				}()
			}()
		}
		for range workers {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := d.Counters().Dispatches; got != workers*10*2 {
			t.Errorf("%d dispatches, want %d", got, workers*10*2)
		}
	})
}

// TestTwoDevices opens two devices at once, from two goroutines: they share one instance.
func TestTwoDevices(t *testing.T) {
	done := make(chan error)
	for _, name := range vktest.Names() {
		go func() {
			done <- func() error {
				for range 3 {
					d, err := vk.Open(vk.Options{Device: name})
					if err != nil {
						return err
					}
					if _, err := d.NewKernel("halve", spirv(t, "halve"), vk.KernelOptions{}); err != nil {
						return err
					}
					if err := d.Close(); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range vktest.Names() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
