package vk

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"muninn/vk/internal/seam"
)

// Arena hands out memory from a few large blocks and frees all of it at once.
type Arena struct {
	d      *Device // nil: the memory is only counted
	caps   *Caps
	block  func(m Memory, need, size uint64) (*block, error) // makes a block of size bytes, or of the bare need where that is refused
	name   string
	memory Memory

	mu     sync.Mutex
	blocks []*block
	size   uint64
	shared uint64 // of size, in blocks for small spans
	asked  uint64
	freed  bool
}

// block is one buffer with one memory allocation behind it.
type block struct {
	buffer, memory handle
	size, used     uint64
	heap           int
	use            Memory
	mapped         []byte // the whole block when the host can reach it
	freed          bool

	viewing sync.Mutex
	views   map[viewed]handle
}

// NewArena returns an empty arena; memory is taken when Alloc needs it.
func (d *Device) NewArena(name string, m Memory) *Arena {
	a := &Arena{d: d, caps: &d.caps, block: d.newBlock, name: name, memory: m}
	own(d, d.arenas, a)
	return a
}

// Alloc returns n bytes at an offset that is a multiple of 256, within one block. They are not zeroed. Errors match
// ErrOutOfMemory when the memory is not there.
func (a *Arena) Alloc(n uint64) (Span, error) {
	if n == 0 {
		return Span{}, fmt.Errorf("vk: arena %s: an allocation of 0 bytes", a.name)
	}
	if a.d != nil {
		if err := a.d.usable(); err != nil {
			return Span{}, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.freed {
		return Span{}, fmt.Errorf("vk: arena %s was freed", a.name)
	}
	limit := a.caps.allocationLimit()
	if n > limit {
		return Span{}, a.outOfMemory(n)
	}
	need := spanSize(n, limit)
	for _, b := range a.blocks {
		if b.size-b.used >= need {
			return a.take(b, n, need), nil
		}
	}
	b, err := a.grow(need)
	if err != nil {
		return Span{}, err
	}
	return a.take(b, n, need), nil
}

func (a *Arena) take(b *block, n, need uint64) Span {
	s := Span{b, b.used, n}
	b.used += need
	a.asked += n
	return s
}

// grow adds a block.
func (a *Arena) grow(need uint64) (*block, error) {
	usual, err := a.caps.usualBlock(a.memory)
	if err != nil {
		return nil, err
	}
	size, own := a.caps.blockSize(usual, a.shared, need)
	b, err := a.block(a.memory, need, size)
	if errors.Is(err, ErrOutOfMemory) {
		return nil, a.outOfMemory(need)
	}
	if err != nil {
		return nil, fmt.Errorf("vk: arena %s: %w", a.name, err)
	}
	a.blocks = append(a.blocks, b)
	a.size += b.size
	if !own {
		a.shared += b.size
	}
	return b, nil
}

func (a *Arena) outOfMemory(n uint64) error {
	e := &OutOfMemoryError{Name: a.name, Requested: n}
	if a.d == nil {
		return e
	}
	a.d.mu.Lock()
	defer a.d.mu.Unlock()
	for _, heap := range a.caps.HeapsOf(a.memory) {
		e.Heap += a.caps.Heaps[heap].Size
		e.Used += a.d.heapUsed[heap]
		e.Device = e.Device || a.caps.Heaps[heap].DeviceLocal
	}
	return e
}

// newBlock makes a block of size bytes, or of the bare need when that is refused, in the first heap that gives it.
func (d *Device) newBlock(m Memory, need, size uint64) (*block, error) {
	out := error(&Error{Op: "allocate memory", Result: resultOutOfDeviceMemory})
	if d.drv.test.Due(seam.Alloc) {
		return nil, out
	}
	list, err := d.placings(m, need, size)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		b, err := d.makeBlock(p.size, p.kind, m)
		if !errors.Is(err, ErrOutOfMemory) {
			return b, err
		}
		out = err
	}
	return nil, out
}

// placings are those of the caps, with what is used now. What memory types serve for buffers is asked of the first one, which is
// true of all.
func (d *Device) placings(m Memory, need, size uint64) ([]placing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bufferTypes == 0 {
		buffer, need, err := d.drv.createBuffer(spanAlignment)
		if err != nil {
			return nil, err
		}
		d.drv.destroy(objBuffer, buffer)
		d.bufferTypes = need.bits
	}
	return d.caps.placings(m, d.bufferTypes, need, size, d.heapUsed), nil
}

// makeBlock makes a buffer with memory of its own, mapped when the host is meant to reach it. On an error nothing stays.
func (d *Device) makeBlock(size uint64, kind int, m Memory) (*block, error) {
	buffer, need, err := d.drv.createBuffer(size)
	if err != nil {
		return nil, err
	}
	memory, err := d.drv.allocate(need.size, kind)
	if err != nil {
		d.drv.destroy(objBuffer, buffer)
		return nil, err
	}
	b := &block{buffer: buffer, memory: memory, size: size, heap: d.caps.MemoryTypes[kind].Heap, use: m, views: make(map[viewed]handle)}
	err = d.drv.bind(buffer, memory)
	if err == nil && (m != DeviceLocal || d.caps.shared(kind) && !d.opt.test.ForceStaging) {
		var p unsafe.Pointer
		if p, err = d.drv.mapMemory(memory, size); err == nil {
			b.mapped = unsafe.Slice((*byte)(p), size)
		}
	}
	if err != nil {
		d.drv.destroy(objBuffer, buffer)
		d.drv.destroy(objMemory, memory)
		return nil, err
	}
	d.held(b, 1)
	return b, nil
}

func (d *Device) freeBlock(b *block) {
	b.freed, b.mapped = true, nil
	for _, v := range b.views {
		d.drv.destroy(objView, v)
	}
	d.drv.destroy(objBuffer, b.buffer)
	d.drv.destroy(objMemory, b.memory)
	d.held(b, ^uint64(0))
}

// held keeps the account of allocated memory: one block more or, with all ones, one less.
func (d *Device) held(b *block, one uint64) {
	d.count(Counters{DeviceBytes: one * b.size, Allocations: one})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heapUsed[b.heap] += one * b.size
}

// Size is how many bytes of memory the arena holds.
func (a *Arena) Size() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.size
}

// Asked is how many bytes were asked for, without alignment.
func (a *Arena) Asked() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// Free gives the memory back. The programs that use its spans must have been freed, and no run be under way. Freeing
// twice does nothing.
func (a *Arena) Free() {
	if a.d != nil && disown(a.d, a.d.arenas, a) {
		a.destroy()
	}
}

func (a *Arena) destroy() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, b := range slices.Backward(a.blocks) {
		a.d.freeBlock(b)
	}
	a.blocks, a.size, a.shared, a.asked, a.freed = nil, 0, 0, 0, true
}
