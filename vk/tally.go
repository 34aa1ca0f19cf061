package vk

import "slices"

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
// arena has of them. On CPU devices none is a power of two: lavapipe (22.3) compiles kernels anew for texel buffers in one that is.
func (c *Caps) blockSize(usual, shared, need uint64) (size uint64, own bool) {
	if need >= ownBlock || need > usual {
		return need, true
	}
	size = max(need, min(usual, max(firstBlock, shared)))
	if c.IsCPU() && size&(size-1) == 0 && size < usual {
		size += spanAlignment
	}
	return size, false
}

// usualBlock is the block size that arenas of this kind grow to. The error matches ErrUnsupported when the device has no such
// memory.
func (c Caps) usualBlock(m Memory) (uint64, error) {
	heaps := c.HeapsOf(m)
	if len(heaps) == 0 {
		return 0, unsupported("%s has no %s memory for storage buffers", c.Name, m)
	}
	return c.blockLimit(c.Heaps[heaps[0]].Size), nil
}

// Tally is the memory that arenas and transfers take of a device's heaps, counted without the device by the rules by which it
// is taken.
type Tally struct {
	c      Caps
	used   []uint64 // of each heap
	short  uint64
	staged bool
}

// NewTally returns a tally of nothing.
func (c Caps) NewTally() *Tally { return &Tally{c: c, used: make([]uint64, len(c.Heaps))} }

// NewArena returns an arena that takes no memory: its spans can be sized and sliced, nothing else. It grows as one of the device
// does, so that the tally foretells what that takes.
func (t *Tally) NewArena(name string, m Memory) *Arena {
	return &Arena{caps: &t.c, block: t.block, name: name, memory: m}
}

// block counts a block. There is always one.
func (t *Tally) block(m Memory, need, size uint64) (*block, error) {
	list := t.c.placings(m, ^uint32(0), need, size, t.used)
	if len(list) == 0 {
		t.short += size
		return &block{size: size, use: m}, nil
	}
	p := list[0]
	if !p.fits {
		t.short += p.size
	}
	t.used[t.c.MemoryTypes[p.kind].Heap] += p.size
	t.staged = t.staged || m == DeviceLocal && !t.c.shared(p.kind)
	return &block{size: p.size, use: m}, nil
}

// Staging adds the memory through which transfers go where the host cannot reach all of the arenas.
func (t *Tally) Staging() {
	for _, m := range stagingUses {
		if n := t.c.stagingSlot(); t.staged {
			_, _ = t.block(m, n, n)
		}
	}
}

// Used is how many bytes are taken of each heap.
func (t *Tally) Used() []uint64 { return slices.Clone(t.used) }

// Taken is the sum in bytes over the heaps that device-local memory comes from, that over all others, and how much of both
// no heap has room for.
func (t *Tally) Taken() (device, host, short uint64) {
	for _, n := range t.used {
		host += n
	}
	for _, heap := range t.c.HeapsOf(DeviceLocal) {
		device += t.used[heap]
	}
	return device, host - device, t.short
}

func (c Caps) stagingSlot() uint64 { return min(stagingSize, c.blockLimit(0)) }
