package weights

import (
	"encoding/binary"
	"fmt"

	"muninn/model/arch"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Memory is where a model or a session lives on a device, or a tally that takes the same without one: a memory plan is the
// allocation itself. The first error sticks.
type Memory struct {
	Dev             *vk.Device // nil: it is only counted
	caps            vk.Caps
	Arena, Up, Down *vk.Arena // the device's own memory, and what host and device hand each other
	Lines           []MemoryLine
	line            MemoryLine // what is being allocated
	Asked           uint64     // of arena, when line began
	Err             error
}

// MemoryLine is one part of a plan.
type MemoryLine struct {
	Group string `json:"group"` // weights, kv or scratch
	Part  string `json:"part"`
	Bytes uint64 `json:"bytes"`
}

// The groups of a plan.
const (
	MemoryWeights = "weights"
	MemoryKV      = "kv"
	MemoryScratch = "scratch"
)

// NewMemory returns memory of a device.
func NewMemory(dev *vk.Device, name string) *Memory {
	return &Memory{Dev: dev, caps: dev.Caps(), Arena: dev.NewArena(name, vk.DeviceLocal), Up: dev.NewArena(name+" upload", vk.Upload),
		Down: dev.NewArena(name+" readback", vk.Readback)}
}

// CountMemory returns memory that a tally counts.
func CountMemory(caps vk.Caps, t *vk.Tally) *Memory {
	return &Memory{caps: caps, Arena: t.NewArena("memory", vk.DeviceLocal), Up: t.NewArena("upload", vk.Upload), Down: t.NewArena("readback", vk.Readback)}
}

func (m *Memory) Free() {
	for _, a := range []*vk.Arena{m.Arena, m.Up, m.Down} {
		a.Free()
	}
}

// As says to what the allocations that follow belong.
func (m *Memory) As(group, part string) {
	n := m.Arena.Asked() - m.Asked
	m.Asked += n
	m.account(m.line.Group, m.line.Part, n)
	m.line = MemoryLine{Group: group, Part: part}
}

func (m *Memory) account(group, part string, n uint64) {
	if part == "" {
		return
	}
	for i, l := range m.Lines {
		if l.Group == group && l.Part == part {
			m.Lines[i].Bytes += n
			return
		}
	}
	m.Lines = append(m.Lines, MemoryLine{group, part, n})
}

// Take allocates n bytes of an arena.
func (m *Memory) Take(a *vk.Arena, n uint64) (s vk.Span) {
	if m.Err == nil {
		s, m.Err = a.Alloc(n)
	}
	return s
}

func (m *Memory) Span(n uint64) vk.Span { return m.Take(m.Arena, n) }

// Zeroed is span, filled with zeros.
func (m *Memory) Zeroed(n uint64) vk.Span { return m.zero(m.Span(n)) }

func (m *Memory) zero(s vk.Span) vk.Span {
	if m.Err == nil && m.Dev != nil {
		m.Err = m.Dev.Fill(s, 0)
	}
	return s
}

// Tensor allocates activations, whose padding stays zero from here on.
func (m *Memory) Tensor(rows, cols int) (t shaders.Tensor) {
	if m.Err != nil {
		return t
	}
	if t, m.Err = shaders.NewTensor(m.Arena, rows, cols); m.Err != nil {
		return t
	}
	if limit := m.caps.ShardLimit(); t.Span.Size() > limit {
		m.Err = fmt.Errorf("model: a pass needs a buffer of %d rows of %d values, %w of %d bytes: use fewer rows or outputs", rows, cols, shaders.ErrBindingLimit, limit)
	}
	m.zero(t.Span)
	return t
}

// Int8 gives t room for int8 activations, zeros: of all rows where any kernel may read them, whatever else is measured or taken away.
func (m *Memory) Int8(t *shaders.Tensor) {
	rows, tuning := t.Rows, shaders.Tune(m.caps, max(m.caps.SubgroupSize, 4), shaders.Options{})
	if !tuning.Int8 {
		rows = min(rows, tuning.GEMVRows)
	}
	t.Int8 = m.Zeroed(shaders.Int8Bytes(rows, t.Cols))
}

// Halves is room for a matmul's rows in half precision, where the device has matrix units.
func (m *Memory) Halves(rows, cols int) (s vk.Span) {
	if len(m.caps.Matrices) > 0 {
		s = m.Span(shaders.HalvesBytes(rows, cols))
	}
	return s
}

func (m *Memory) matrix(rows, cols int, f format.Type) (x shaders.Matrix) {
	if m.Err == nil {
		x, m.Err = shaders.NewMatrix(m.Arena, rows, cols, f, m.caps.ShardLimit())
	}
	return x
}

// Pages allocates what says where sequences lie in the caches of layers.
func (m *Memory) Pages(sequences, context, units, coreUnits int, core shaders.Slots) (p shaders.Pages) {
	if m.Err == nil {
		p, m.Err = shaders.NewPages(m.Arena, sequences, context, units, coreUnits, core)
	}
	m.zero(p.Span)
	if m.Err == nil && m.Dev != nil {
		m.Err = WriteTable(m.Dev, p)
	}
	return p
}

// WriteTable brings the table of pages to the device.
func WriteTable(dev *vk.Device, p shaders.Pages) error {
	table, _ := binary.Append(nil, binary.LittleEndian, p.Table) // fixed-size elements cannot fail
	return dev.Write(p.Span.Slice(0, uint64(len(table))), table)
}

// Cache allocates the keys and values of a layer.
func (m *Memory) Cache(c arch.Config, kv shaders.KVType, slots shaders.Slots, pages shaders.Pages) (x shaders.Cache) {
	if m.Err == nil {
		x, m.Err = shaders.NewCache(m.Arena, c.KVHeads(), c.HeadDim, kv, slots, pages, m.caps.ShardLimit())
	}
	return x
}
