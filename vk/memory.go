package vk

import (
	"cmp"
	"slices"
)

// Memory is what an arena's memory is for.
type Memory int

const (
	DeviceLocal Memory = iota // weights, KV cells, activations
	Upload                    // written by the host, read by the device
	Readback                  // written by the device, read by the host
)

func (m Memory) String() string {
	return [...]string{"device-local", "upload", "readback"}[m]
}

// Free is what is left of a heap in bytes. Drivers have been seen to report a budget above the heap's size, or one of 0: the
// first is cut, and without one a tenth of a card is left to the desktop, a fifth where a desktop with all its programs lives
// in the same memory.
func (c Caps) Free(heap int) uint64 {
	h := c.Heaps[heap]
	budget := min(h.Budget, h.Size)
	if !c.MemoryBudget || budget == 0 {
		budget = h.Size / 10 * 9
		if c.uma() {
			budget = h.Size / 10 * 8
		}
	}
	return budget - min(h.Used, budget)
}

// Reserve is what of a heap's free bytes is left to the driver, for the device itself, pipelines and command buffers: 128 MiB, or an
// eighth where that is less, but at least 64. Other engines keep 256 MiB (ollama) to 1 GiB (llama.cpp), also for much that is planned
// here. Where host and device share a budget, programs that start later share it as well. AMD's Linux drivers give more of the
// host's memory than there is, and lose the device at a submission for which nothing can be moved there (llama.cpp PR 29213): 1 GiB.
func (c Caps) Reserve(heap int) uint64 {
	least, share, free := uint64(128<<20), uint64(50), c.Free(heap)
	if c.MemoryBudget && c.uma() {
		share = 20
	}
	if (c.uma() || !c.Heaps[heap].DeviceLocal) && (c.DriverID == driverAMDOpen || c.DriverID == driverRADV) {
		least = 1 << 30
	}
	return max(64<<20, min(least, free/8), free/share)
}

// room is what arenas may take of a heap.
func (c Caps) room(heap int) uint64 {
	free := c.Free(heap)
	return free - min(c.Reserve(heap), free)
}

// HeapsOf are the heaps that arenas of this kind take their memory from, in the order in which they are filled.
func (c Caps) HeapsOf(m Memory) (heaps []int) {
	for _, kind := range c.memoryTypes(m, ^uint32(0)) {
		heaps = append(heaps, c.MemoryTypes[kind].Heap)
	}
	return heaps
}

// memoryTypes are the memory types for a use among those in bits, the best one of each heap, best first.
func (c Caps) memoryTypes(m Memory, bits uint32) (kinds []int) {
	scores := make(map[int][]uint64)
	for i, t := range c.MemoryTypes {
		if s := c.score(m, t); s != nil && i < 32 && bits&(1<<i) != 0 {
			scores[i], kinds = s, append(kinds, i)
		}
	}
	slices.SortStableFunc(kinds, func(a, b int) int { return slices.Compare(scores[b], scores[a]) })
	seen := make(map[int]bool)
	return slices.DeleteFunc(kinds, func(kind int) bool {
		heap := c.MemoryTypes[kind].Heap
		// Filling the small mappable window of a discrete GPU slows it down.
		window := m == DeviceLocal && !c.uma() && len(seen) > 0 && c.MemoryTypes[kind].mappable()
		drop := seen[heap] || window
		seen[heap] = true
		return drop
	})
}

// score rates a memory type for a use by what counts most first; nil rules it out.
func (c Caps) score(m Memory, t MemoryType) []uint64 {
	mappable := t.mappable()
	if t.Heap >= len(c.Heaps) || m != DeviceLocal && !mappable {
		return nil
	}
	is := func(yes bool) uint64 {
		if yes {
			return 1
		}
		return 0
	}
	free := c.Free(t.Heap)
	switch {
	case m == Upload:
		return []uint64{is(!t.DeviceLocal), is(!t.HostCached), free}
	case m == Readback:
		return []uint64{is(t.HostCached), is(!t.DeviceLocal), free}
	case t.DeviceLocal, c.uma() && mappable: // the host's memory is as good where it is the device's own
		// Snooping the host's caches slows a GPU down.
		return []uint64{is(t.DeviceLocal), free, is(mappable == c.uma()), is(t.HostCached == c.IsCPU())}
	}
	return nil
}

// memoryType reads the flags of a memory type. Those beyond the four known are for what nothing here does, and of some a feature has
// to be enabled first: such a type is for nothing.
func memoryType(heap int, flags uint32) MemoryType {
	const local, visible, coherent, cached = 1, 2, 4, 8
	if flags > local|visible|coherent|cached {
		flags = 0
	}
	return MemoryType{heap, flags&local != 0, flags&visible != 0, flags&coherent != 0, flags&cached != 0}
}

func (t MemoryType) mappable() bool { return t.HostVisible && t.HostCoherent }

// shared tells whether host and device both work in a memory type, so that transfers need no staging.
func (c Caps) shared(kind int) bool { return c.uma() && c.MemoryTypes[kind].mappable() }

// placing is a memory type and a size for a block; fits when the heap has room for it.
type placing struct {
	kind int
	size uint64
	fits bool
}

// placings are the ways to place a block of size bytes, or of the bare need when that much is not there, in the order in which
// to try them, given what is used of each heap. Heaps that seem full come last: what is free is an estimate. Only the host's
// memory is never filled up with what belongs to the device: some drivers give any amount of it, and lose the device later. On a CPU
// the size comes first all the same, since a heap of which the driver makes up the size is full too soon: a plan knows better, and
// would tell other blocks than there are.
func (c Caps) placings(m Memory, bits uint32, need, size uint64, used []uint64) []placing {
	var fit, full []placing
	for _, n := range slices.Compact([]uint64{size, need}) {
		for _, kind := range c.memoryTypes(m, bits) {
			t := c.MemoryTypes[kind]
			switch room := c.room(t.Heap); {
			case n <= room && used[t.Heap] <= room-n:
				fit = append(fit, placing{kind, n, true})
			case m != DeviceLocal || t.DeviceLocal:
				full = append(full, placing{kind, n, false})
			}
		}
	}
	list := append(fit, full...)
	if c.IsCPU() {
		slices.SortStableFunc(list, func(a, b placing) int { return cmp.Compare(b.size, a.size) })
	}
	return list
}
