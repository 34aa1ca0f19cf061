package tune

import (
	"errors"

	"muninn/shaders"
	"muninn/vk"
)

// memory is taken from an arena and filled with words: what nobody has written may be one page. The first error sticks.
type memory struct {
	dev   *vk.Device
	arena *vk.Arena
	err   error
}

// Words that are ones, or nearly, as the formats have them.
const (
	floatOnes = 0x3f800000
	halfOnes  = 0x3c003c00
	someOnes  = 0x3f803f80 // bfloat16; whatever else
)

func (m *memory) fill(s vk.Span, word uint32) {
	if m.err == nil {
		m.err = m.dev.Fill(s, word)
	}
}

func (m *memory) span(bytes uint64, word uint32) (s vk.Span) {
	if m.err == nil {
		s, m.err = m.arena.Alloc(bytes)
	}
	m.fill(s, word)
	return s
}

func (m *memory) tensor(rows, cols int) (t shaders.Tensor) {
	if m.err == nil {
		t, m.err = shaders.NewTensor(m.arena, rows, cols)
	}
	m.fill(t.Span, floatOnes)
	return t
}

// write puts data into a new span.
func (m *memory) write(data []byte) vk.Span {
	s := m.span(uint64(len(data)), 0)
	if m.err == nil {
		m.err = m.dev.Write(s, data)
	}
	return s
}

// operands are what a use of the bench reads beside its weights, and what it writes.
type operands struct {
	x, y   shaders.Tensor
	z, sum shaders.Tensor // of a norm, or a product before one
}

// allocate takes what all uses need: as many bytes of weights as there are, if not as many as asked for.
func (b *bench) allocate() error {
	m := &memory{dev: b.dev, arena: b.arena}
	for size := scratchBytes(b.caps, b.job.Speed); ; size = size / 2 &^ (2*align - 1) {
		if b.weights, m.err = b.arena.Alloc(size); !errors.Is(m.err, vk.ErrOutOfMemory) || size < 2<<20 {
			break
		}
	}
	m.fill(b.weights, someOnes)
	widest := 1
	for _, u := range b.job.Uses {
		if u.Op == Attention {
			b.attention = newHeads(m, u.Heads, b.weights.Size())
			b.of = append(b.of, operands{})
			continue
		}
		cols, rows := u.Cols, b.cut(u)
		switch u.Op {
		case "adapter":
			cols /= 2 // the state's, then the embeds'
		case Norm:
			rows = cols
		}
		widest = max(widest, cols, rows)
		o := operands{x: m.tensor(2*mostRows, cols), y: m.tensor(mostRows, rows)}
		o.x.Int8 = m.span(shaders.Int8Bytes(mostRows, cols), someOnes)
		if u.Op == Norm || u.Normed {
			o.z, o.sum = m.tensor(mostRows, rows), m.tensor(mostRows, rows)
		}
		b.of = append(b.of, o)
	}
	b.words = m.span(max(4*uint64(shaders.Padded(widest)), mostRows*shaders.RowBytes), 0)
	b.arrived = m.span(4, 0)
	b.half = m.span(shaders.HalvesBytes(mostRows, 2*widest), 0)
	return m.err
}
