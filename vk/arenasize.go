package vk

const (
	firstBlock = 1 << 20
	ownBlock   = 8 << 20 // a span of this size gets a block to itself: sharing would waste the ends of blocks
)

// spanSize is what a span of n bytes takes of its block.
func spanSize(n, limit uint64) uint64 {
	need := (n + spanAlignment - 1) &^ (spanAlignment - 1)
	if need < n || need > limit {
		return n // the last span of a block need not fill up its alignment
	}
	return need
}

// blockSize is the size of the block that an arena adds for a span of need bytes, and whether the span has it to itself.
// Blocks for small spans double up to the device's usual block, so that small arenas stay small; shared is what the
// arena has of them.
func blockSize(usual, shared, need uint64) (size uint64, own bool) {
	if need >= ownBlock || need > usual {
		return need, true
	}
	return max(need, min(usual, max(firstBlock, shared))), false
}

// ArenaSize is the memory that an arena of this kind takes for spans of these sizes, allocated in this order. The error
// matches ErrUnsupported when the device has no such memory.
func (c Caps) ArenaSize(m Memory, spans []uint64) (uint64, error) {
	heap, err := c.HeapOf(m)
	if err != nil {
		return 0, err
	}
	usual := c.blockLimit(c.Heaps[heap].Size)
	var size, shared uint64
	var free []uint64 // in each block
next:
	for _, n := range spans {
		need := spanSize(n, c.allocationLimit())
		for i, left := range free {
			if left >= need {
				free[i] -= need
				continue next
			}
		}
		block, own := blockSize(usual, shared, need)
		size, free = size+block, append(free, block-need)
		if !own {
			shared += block
		}
	}
	return size, nil
}

// HeapOf is the index of the heap that arenas of this kind take their memory from.
func (c Caps) HeapOf(m Memory) (int, error) {
	kind, err := c.memoryType(m, ^uint32(0))
	if err != nil {
		return 0, err
	}
	return c.MemoryTypes[kind].Heap, nil
}

// Staging is the memory that transfers to device-local memory go through: upload and readback bytes, 0 where the host
// writes into it.
func (c Caps) Staging() (up, down uint64) {
	kind, err := c.memoryType(DeviceLocal, ^uint32(0))
	if err != nil || c.UMA() && c.MemoryTypes[kind].HostVisible && c.MemoryTypes[kind].HostCoherent {
		return 0, 0
	}
	return inFlight * c.stagingSlot(), c.stagingSlot()
}

func (c Caps) stagingSlot() uint64 { return min(stagingSize, c.blockLimit(0)) }
