package gguf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// Value is one value of the metadata. Strings and arrays stay in the file until they are asked for.
type Value struct {
	Kind Kind
	Elem Kind   // of an array
	Len  uint64 // bytes of a string, elements of an array

	bits uint64 // of a number or bool
	at   int64  // of a string's or array's first byte
}

// ErrMagic says that a file is of another kind.
var ErrMagic = errors.New("not a GGUF file")

// File is the header of a file.
type File struct {
	Keys    []string // in the file's order
	Tensors []Tensor // in the order of their data; empty until ReadTensors

	r         io.ReaderAt
	size      uint64
	values    map[string]Value
	tensors   uint64 // as the file claims
	tableAt   uint64
	alignment uint64
	dataAt    uint64
}

// ReadMetadata reads and checks the metadata of a file of the given size. The tensor table is read by ReadTensors, so that
// a caller can first see what kind of model it is.
func ReadMetadata(r io.ReaderAt, size int64) (*File, error) {
	s := &scanner{r: r, size: uint64(size), buf: make([]byte, 0, 64<<10)}
	if magic := string(s.need(uint64(min(size, 4)))); !strings.HasPrefix(Magic, magic) && s.err == nil {
		return nil, fmt.Errorf("%w, which begins with %q: it begins with %q", ErrMagic, Magic, magic)
	}
	if size < bytesOfHeader {
		return nil, fmt.Errorf("%d bytes are too few for a GGUF file", size)
	}
	switch v := s.u32(); {
	case v == version<<24:
		return nil, errors.New("a big-endian file; only little-endian ones are read")
	case v != version && s.err == nil:
		return nil, fmt.Errorf("GGUF version %d, want %d", v, version)
	}
	f := &File{r: r, size: uint64(size), values: map[string]Value{}, alignment: defaultAlign}
	f.tensors = s.u64()
	keys := s.u64()
	switch {
	case keys > maxKeys || keys > s.left()/minKeyBytes:
		return nil, fmt.Errorf("%d keys in a file of %d bytes; at most %d are read", keys, size, maxKeys)
	case f.tensors > maxTensors || f.tensors > s.left()/minInfoBytes:
		return nil, fmt.Errorf("%d tensors in a file of %d bytes; at most %d are read", f.tensors, size, maxTensors)
	}
	for range keys {
		if err := f.readKey(s); err != nil {
			return nil, err
		}
	}
	if s.at > maxHeader {
		return nil, fmt.Errorf("metadata of %d bytes, at most %d are read", s.at, maxHeader)
	}
	if a, ok := f.values["general.alignment"]; ok {
		if a.Kind != Uint32 || a.bits < 8 || a.bits > maxAlignment || a.bits&(a.bits-1) != 0 {
			return nil, fmt.Errorf("general.alignment is %d (%v), want a power of two from 8 to %d (uint32)", a.bits, a.Kind, maxAlignment)
		}
		f.alignment = a.bits
	}
	f.tableAt = s.at
	return f, s.err
}

func (f *File) readKey(s *scanner) error {
	key := s.name("a key")
	kind := s.u32()
	if s.err != nil {
		return s.err
	}
	if _, dup := f.values[key]; dup {
		return fmt.Errorf("key %q is there twice", strict.Clip(key))
	}
	v, err := readValue(s, kind)
	if err == nil {
		err = s.err
	}
	if err != nil {
		return fmt.Errorf("key %q: %w", strict.Clip(key), err)
	}
	f.Keys = append(f.Keys, key)
	f.values[key] = v
	return nil
}

func readValue(s *scanner, kind uint32) (Value, error) {
	if kind >= uint32(kinds) {
		return Value{}, fmt.Errorf("a value of kind %d, there are 0 to %d", kind, kinds-1)
	}
	v := Value{Kind: Kind(kind)}
	switch v.Kind {
	case String:
		v.at = int64(s.at) + 8
		v.Len = s.text()
		return v, nil
	case Array:
		elem := s.u32()
		v.Len = s.u64()
		v.at = int64(s.at)
		return readArray(s, v, elem)
	}
	var b [8]byte
	copy(b[:], s.need(v.Kind.width()))
	v.bits = binary.LittleEndian.Uint64(b[:])
	if v.Kind == Bool && v.bits > 1 {
		return v, fmt.Errorf("a bool of %d, want 0 or 1", v.bits)
	}
	return v, nil
}

// readArray passes over an array's elements.
func readArray(s *scanner, v Value, elem uint32) (Value, error) {
	switch {
	case s.err != nil:
		return v, s.err
	case elem >= uint32(kinds):
		return v, fmt.Errorf("an array of kind %d, there are 0 to %d", elem, kinds-1)
	case Kind(elem) == Array:
		return v, errors.New("an array of arrays, which is not read")
	case v.Len > maxArray:
		return v, fmt.Errorf("an array of %d elements, at most %d are read", v.Len, maxArray)
	}
	v.Elem = Kind(elem)
	if v.Elem != String {
		s.skip(v.Len * v.Elem.width())
		return v, nil
	}
	for range v.Len {
		if s.text(); s.err != nil {
			break
		}
	}
	return v, nil
}

// ReadTensors reads the tensor table: names, types and sizes must be sound, and the tensors must fill the rest of the file in
// order with no gap but padding.
func (f *File) ReadTensors() error {
	s := &scanner{r: f.r, size: f.size, at: f.tableAt, buf: make([]byte, 0, 64<<10)}
	seen := make(map[string]bool, f.tensors)
	list := make([]Tensor, 0, f.tensors)
	for range f.tensors {
		t := Tensor{Name: s.name("a tensor's name")}
		dims := s.u32()
		if s.err == nil && (dims == 0 || dims > maxDims) {
			return fmt.Errorf("tensor %q: %d dimensions, want 1 to %d", strict.Clip(t.Name), dims, maxDims)
		}
		for range dims { // 0 after an error
			t.Dims = append(t.Dims, s.u64())
		}
		t.Type = format.FromGGUF(s.u32())
		offset := s.u64()
		if s.err != nil {
			return s.err
		}
		if seen[t.Name] {
			return fmt.Errorf("tensor %q is there twice", strict.Clip(t.Name))
		}
		seen[t.Name] = true
		size, err := t.measure()
		if err != nil {
			return err
		}
		if offset > math.MaxInt64 {
			return fmt.Errorf("tensor %q: its data at byte %d", strict.Clip(t.Name), offset)
		}
		t.Offset, t.Bytes = int64(offset), int64(size)
		list = append(list, t)
	}
	f.dataAt = aligned(s.at, f.alignment)
	if f.dataAt > maxHeader {
		return fmt.Errorf("header of %d bytes, at most %d are read", f.dataAt, maxHeader)
	}
	return f.place(list)
}

// place checks the tensors' places against each other and the file. Offsets count from the data's start until here.
func (f *File) place(list []Tensor) error {
	slices.SortFunc(list, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), strings.Compare(a.Name, b.Name))
	})
	end := f.dataAt
	for i := range list {
		t := &list[i]
		want := aligned(end, f.alignment)
		// Both terms are below 2^63.
		at := uint64(t.Offset) + f.dataAt
		switch {
		case at < end:
			return fmt.Errorf("tensor %q: overlaps the one before it (data at byte %d, want %d)", strict.Clip(t.Name), at, want)
		case at != want:
			return fmt.Errorf("tensor %q: data at byte %d, want %d (alignment %d, no gaps)", strict.Clip(t.Name), at, want, f.alignment)
		case at > f.size || uint64(t.Bytes) > f.size-at:
			return fmt.Errorf("tensor %q: %d bytes at byte %d of a file of %d: the file is cut short", strict.Clip(t.Name), t.Bytes, at, f.size)
		}
		t.Offset = int64(at)
		end = at + uint64(t.Bytes)
	}
	if f.size != end && f.size != aligned(end, f.alignment) {
		return fmt.Errorf("ends at byte %d, the last tensor at %d", f.size, end)
	}
	f.Tensors = list
	return nil
}
