//go:build cgo

package vk_test

import (
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

// A size that nobody guarantees counts once a dispatch has shown it; a driver that reports another size than it compiles for is
// seen through, and its kernels do without.
func TestSubgroupIsShown(t *testing.T) {
	for _, name := range vktest.Names() {
		real := vktest.Open(t, name, vk.Options{}).Caps().SubgroupSize
		for says, want := range map[uint32]uint32{real: real, 2 * real: 0, real / 2: 0} {
			d := vktest.Open(t, name, vktest.Limited(vk.Options{}, func(c *vk.Caps) {
				c.SubgroupSize, c.SubgroupMin, c.SubgroupMax, c.SubgroupSizeControl = says, 0, 0, false
			}))
			for range 2 {
				if got, err := d.Subgroup(); got != want || err != nil {
					t.Errorf("%s reports %d, has %d: %d was shown (%v)", name, says, real, got, err)
				}
			}
			if got := d.Counters().Dispatches; got != 1 {
				t.Errorf("%s: %d dispatches", name, got)
			}
			_, err := d.NewKernel("subgroup", spirv(t, "subgroup"), vk.KernelOptions{SubgroupSize: says})
			if (err == nil) != (want != 0) {
				t.Errorf("%s: a kernel for %d invocations a subgroup: %v", name, says, err)
			}
		}
		d := vktest.Open(t, name, vk.Options{})
		if got, err := d.Subgroup(); got != real || err != nil || d.Counters().Dispatches != 0 {
			t.Errorf("%s guarantees %d: %d, %v after %d dispatches", name, real, got, err, d.Counters().Dispatches)
		}
	}
}
