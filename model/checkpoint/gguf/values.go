package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"muninn/model/internal/strict"
)

// Value looks a key up.
func (f *File) Value(key string) (Value, bool) {
	v, ok := f.values[key]
	return v, ok
}

// Text reads a string of at most limit bytes.
func (f *File) Text(key string, limit int64) (string, error) {
	v, ok := f.values[key]
	switch {
	case !ok:
		return "", fmt.Errorf("no key %s", key)
	case v.Kind != String:
		return "", fmt.Errorf("%s is of kind %v, want string", key, v.Kind)
	case v.Len > uint64(limit):
		return "", fmt.Errorf("%s has %d bytes, at most %d are read", key, v.Len, limit)
	}
	p := make([]byte, v.Len)
	if err := ReadFull(f.r, p, v.at); err != nil {
		return "", fmt.Errorf("reading %s: %w", key, err)
	}
	if !utf8.Valid(p) {
		return "", fmt.Errorf("%s is not valid UTF-8", key)
	}
	return string(p), nil
}

// Number is the value of a key of any numeric kind.
func (f *File) Number(key string) (float64, error) {
	v, ok := f.values[key]
	if !ok {
		return 0, fmt.Errorf("no key %s", key)
	}
	switch v.Kind {
	case Uint8, Uint16, Uint32, Uint64:
		return float64(v.bits), nil
	case Int8, Int16, Int32, Int64:
		above := 64 - 8*v.Kind.width()
		return float64(int64(v.bits<<above) >> above), nil
	case Float32:
		return float64(math.Float32frombits(uint32(v.bits))), nil
	case Float64:
		return math.Float64frombits(v.bits), nil
	}
	return 0, fmt.Errorf("%s is of kind %v, want a number", key, v.Kind)
}

// Checksums compares the header with its checksum and returns those of the tensors, by name. ReadTensors comes first.
func (f *File) Checksums() (map[string]uint32, error) {
	v, ok := f.values[ChecksumKey]
	if !ok || v.Kind != Array || v.Elem != Uint32 || v.Len != f.tensors+1 {
		return nil, fmt.Errorf("no %s for its %d tensors: not written by muninn, or damaged", ChecksumKey, f.tensors)
	}
	p := make([]byte, 4*v.Len)
	if err := ReadFull(f.r, p, v.at); err != nil {
		return nil, fmt.Errorf("reading %s: %w", ChecksumKey, err)
	}
	sum, buf := uint32(0), make([]byte, 64<<10)
	for r := io.NewSectionReader(f.r, 0, int64(f.dataAt)); ; {
		at, _ := r.Seek(0, io.SeekCurrent)
		n, err := io.ReadFull(r, buf)
		for i := max(v.at, at); i < min(v.at+int64(len(p)), at+int64(n)); i++ {
			buf[i-at] = 0
		}
		sum = Checksum(sum, buf[:n])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the header: %w", err)
		}
	}
	if want := binary.LittleEndian.Uint32(p); sum != want {
		return nil, fmt.Errorf("the header's checksum is %08x, the file says %08x: damaged", sum, want)
	}
	sums := make(map[string]uint32, len(f.Tensors))
	for i, t := range f.Tensors {
		sums[t.Name] = binary.LittleEndian.Uint32(p[4*(i+1):])
	}
	return sums, f.checkPadding()
}

// checkPadding wants zeros between tensors and after the last: no checksum covers them.
func (f *File) checkPadding() error {
	for i, t := range f.Tensors {
		next := int64(f.size)
		if i+1 < len(f.Tensors) {
			next = f.Tensors[i+1].Offset
		}
		p := make([]byte, next-t.Offset-t.Bytes)
		if err := ReadFull(f.r, p, t.Offset+t.Bytes); err != nil {
			return fmt.Errorf("reading behind %s: %w", strict.Clip(t.Name), err)
		}
		if len(bytes.Trim(p, "\x00")) > 0 {
			return fmt.Errorf("tensor %q: the padding behind it is not zero: damaged", strict.Clip(t.Name))
		}
	}
	return nil
}
