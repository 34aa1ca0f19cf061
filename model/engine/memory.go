package engine

import (
	"fmt"

	"muninn/model/arch"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// memory is where a model or a session lives on a device, or a tally that takes the same without one: a memory plan is the
// allocation itself. The first error sticks.
type memory struct {
	dev             *vk.Device // nil: it is only counted
	caps            vk.Caps
	arena, up, down *vk.Arena // the device's own memory, and what host and device hand each other
	lines           []MemoryLine
	line            MemoryLine // what is being allocated
	asked           uint64     // of arena, when line began
	err             error
}

// newMemory returns memory of a device.
func newMemory(dev *vk.Device, name string) *memory {
	return &memory{dev: dev, caps: dev.Caps(), arena: dev.NewArena(name, vk.DeviceLocal), up: dev.NewArena(name+" upload", vk.Upload),
		down: dev.NewArena(name+" readback", vk.Readback)}
}

// countMemory returns memory that a tally counts.
func countMemory(caps vk.Caps, t *vk.Tally) *memory {
	return &memory{caps: caps, arena: t.NewArena("memory", vk.DeviceLocal), up: t.NewArena("upload", vk.Upload), down: t.NewArena("readback", vk.Readback)}
}

func (m *memory) free() {
	for _, a := range []*vk.Arena{m.arena, m.up, m.down} {
		a.Free()
	}
}

// as says to what the allocations that follow belong.
func (m *memory) as(group, part string) {
	n := m.arena.Asked() - m.asked
	m.asked += n
	m.account(m.line.Group, m.line.Part, n)
	m.line = MemoryLine{Group: group, Part: part}
}

func (m *memory) account(group, part string, n uint64) {
	if part == "" {
		return
	}
	for i, l := range m.lines {
		if l.Group == group && l.Part == part {
			m.lines[i].Bytes += n
			return
		}
	}
	m.lines = append(m.lines, MemoryLine{group, part, n})
}

// take allocates n bytes of an arena.
func (m *memory) take(a *vk.Arena, n uint64) (s vk.Span) {
	if m.err == nil {
		s, m.err = a.Alloc(n)
	}
	return s
}

func (m *memory) span(n uint64) vk.Span { return m.take(m.arena, n) }

// zeroed is span, filled with zeros.
func (m *memory) zeroed(n uint64) vk.Span { return m.zero(m.span(n)) }

func (m *memory) zero(s vk.Span) vk.Span {
	if m.err == nil && m.dev != nil {
		m.err = m.dev.Fill(s, 0)
	}
	return s
}

// tensor allocates activations, whose padding stays zero from here on.
func (m *memory) tensor(rows, cols int) (t shaders.Tensor) {
	if m.err != nil {
		return t
	}
	if t, m.err = shaders.NewTensor(m.arena, rows, cols); m.err != nil {
		return t
	}
	if limit := m.caps.ShardLimit(); t.Span.Size() > limit {
		m.err = fmt.Errorf("model: a pass needs a buffer of %d rows of %d values, %w of %d bytes: use fewer rows or outputs", rows, cols, shaders.ErrBindingLimit, limit)
	}
	m.zero(t.Span)
	return t
}

func (m *memory) matrix(rows, cols int, f format.Type) (x shaders.Matrix) {
	if m.err == nil {
		x, m.err = shaders.NewMatrix(m.arena, rows, cols, f, m.caps.ShardLimit())
	}
	return x
}

// cache allocates the keys and values of a layer.
func (m *memory) cache(c arch.Config, cells int, kv shaders.KVType, slots shaders.Slots, depth vk.Span) (x shaders.Cache) {
	if m.err == nil {
		x, m.err = shaders.NewCache(m.arena, c.NHeads, c.HeadDim, cells, kv, slots, depth, m.caps.ShardLimit())
	}
	return x
}
