// Package fit chooses how a model is held so that it fits a device's memory: format of the weights, rule and type of the
// KV cache, context. Everything here is a pure function of a model's shape and a device's Caps.
package fit

import (
	"fmt"

	"muninn/vk"
)

// Space is the memory that a device has for a plan.
type Space struct {
	Size       uint64 `json:"size"`        // of the heap of device-local memory
	Free       uint64 `json:"free"`        // what the driver says is left of it, or a share of the heap when it does not say
	Reserve    uint64 `json:"reserve"`     // left to the driver, for pipelines and command buffers
	FromBudget bool   `json:"from_budget"` // Free is the driver's own figure
}

// Room is what a plan may take.
func (s Space) Room() uint64 { return s.Free - min(s.Reserve, s.Free) }

// SpaceOf is the space on a device. Where the driver tells a budget, other programs are accounted for already and only the
// driver's own needs are set aside. Else a tenth is left to the desktop on a card, a fifth where host and device share
// the memory and a desktop with all its programs lives in it.
func SpaceOf(c vk.Caps) (Space, error) {
	i, err := c.HeapOf(vk.DeviceLocal)
	if err != nil {
		return Space{}, err
	}
	const least = 64 << 20
	h := c.Heaps[i]
	s := Space{Size: h.Size, FromBudget: c.MemoryBudget}
	switch {
	case c.MemoryBudget:
		s.Free = h.Budget - min(h.Used, h.Budget)
	case c.UMA():
		s.Free = h.Size / 10 * 8
	default:
		s.Free = h.Size / 10 * 9
	}
	s.Reserve = max(least, s.Free/50)
	if c.MemoryBudget && c.UMA() {
		s.Reserve = max(least, s.Free/20) // programs that start later share the budget
	}
	return s, nil
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
