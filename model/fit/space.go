// Package fit chooses how a model is held so that it fits a device's memory: format of the weights, rule and type of the
// KV cache, context. Everything here is a pure function of a model's shape and a device's Caps.
package fit

import (
	"fmt"
	"slices"

	"muninn/model/engine"
	"muninn/vk"
)

// Space is the memory that a device has for a plan: sums over the heaps that device-local memory comes from.
type Space struct {
	Size       uint64 `json:"size"`
	Free       uint64 `json:"free"`        // what the driver says is left, or a share of the size when it does not say
	Reserve    uint64 `json:"reserve"`     // left to the driver, for pipelines and command buffers
	Host       uint64 `json:"host"`        // room in the other heaps, for staging
	FromBudget bool   `json:"from_budget"` // Free is the driver's own figure
}

// Room is what a plan may take.
func (s Space) Room() uint64 { return s.Free - min(s.Reserve, s.Free) }

// SpaceOf is the space on a device.
func SpaceOf(c vk.Caps) (Space, error) {
	s := Space{FromBudget: c.MemoryBudget}
	device := c.HeapsOf(vk.DeviceLocal)
	if len(device) == 0 {
		return s, fmt.Errorf("%w: %s has no device-local memory for storage buffers", vk.ErrUnsupported, c.Name)
	}
	for i, h := range c.Heaps {
		free, reserve := c.Free(i), c.Reserve(i)
		if !slices.Contains(device, i) {
			s.Host += free - min(reserve, free)
			continue
		}
		s.Size, s.Free, s.Reserve = s.Size+h.Size, s.Free+free, s.Reserve+reserve
	}
	return s, nil
}

// needs says what a plan that does not fit needs and what there is.
func (s Space) needs(p engine.MemoryPlan) string {
	if p.Device <= s.Room() && p.Host > 0 {
		return fmt.Sprintf("needs %s of host memory for staging, there is room for %s", Size(p.Host), Size(s.Host))
	}
	return fmt.Sprintf("needs %s, there is room for %s", Size(p.Device), Size(s.Room()))
}

// Card is a discrete GPU of so many bytes that nothing else is known of.
func Card(bytes uint64) vk.Caps {
	return vk.Caps{
		Name: "a card of " + Size(bytes), Type: "discrete", APIVersion: [3]uint32{1, 3, 0},
		MaxStorageBufferRange: 1<<32 - 1, MaxAllocation: 1<<32 - 1,
		Heaps:       []vk.Heap{{Size: bytes, Budget: bytes / 10 * 9, DeviceLocal: true}, {Size: 16 << 30, Budget: 16 << 30 / 10 * 9}},
		MemoryTypes: []vk.MemoryType{{DeviceLocal: true}, {Heap: 1, HostVisible: true, HostCoherent: true, HostCached: true}},
	}
}

// Size writes a number of bytes as messages do, in binary units.
func Size(n uint64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}
