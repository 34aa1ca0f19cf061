package vk

import "fmt"

// Span is a byte range of an arena's memory. The zero Span is no memory.
type Span struct {
	block  *block
	offset uint64
	size   uint64
}

// Size is the length in bytes.
func (s Span) Size() uint64 { return s.size }

// IsZero tells whether the span is no memory.
func (s Span) IsZero() bool { return s.block == nil }

// Slice returns n bytes from offset off within the span. A range outside the span is a mistake of the program and panics,
// as slicing does.
func (s Span) Slice(off, n uint64) Span {
	if off > s.size || n > s.size-off {
		panic(fmt.Sprintf("vk: slice [%d:+%d] of a span of %d bytes", off, n, s.size))
	}
	return Span{s.block, s.offset + off, n}
}

// Bytes returns the span's memory where the host is meant to work with it: spans of Upload and Readback arenas. For
// others it returns nil. What the device wrote is there once Run has returned.
func (s Span) Bytes() []byte {
	if s.block == nil || s.block.use == DeviceLocal {
		return nil
	}
	return s.mapped()
}

// mapped returns the span's memory whenever it is mapped.
func (s Span) mapped() []byte {
	if s.block == nil || s.block.mapped == nil {
		return nil
	}
	return s.block.mapped[s.offset : s.offset+s.size : s.offset+s.size]
}

// access is the use of the whole span by an op.
func (s Span) access(kind accessKind, read, write bool) access {
	return access{s.block.buffer, s.offset, s.offset + s.size, kind, read, write}
}

// check returns why the span cannot be used, or nil.
func (s Span) check(what string) error {
	switch {
	case s.block == nil:
		return fmt.Errorf("vk: %s: the span is empty", what)
	case s.block.freed:
		return fmt.Errorf("vk: %s: the span's arena was freed", what)
	case s.size == 0:
		return fmt.Errorf("vk: %s: the span has no bytes", what)
	}
	return nil
}

// words checks that offset and size are whole 32-bit words, as fills need.
func (s Span) words(what string) error {
	if err := s.check(what); err != nil {
		return err
	}
	if s.offset%4 != 0 || s.size%4 != 0 {
		return fmt.Errorf("vk: %s: offset %d and size %d must be multiples of 4", what, s.offset, s.size)
	}
	return nil
}
