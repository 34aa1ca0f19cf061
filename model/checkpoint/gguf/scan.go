package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"muninn/model/internal/strict"
)

// scanner reads a file's header from front to back. The first error sticks: later reads give zeros.
type scanner struct {
	r    io.ReaderAt
	size uint64
	at   uint64
	buf  []byte // the file from byte from on
	from uint64
	err  error
}

func (s *scanner) left() uint64 { return s.size - s.at }

// need makes the next n bytes available, n at most the buffer's capacity.
func (s *scanner) need(n uint64) []byte {
	at := s.at
	s.skip(n)
	if s.err == nil && (at < s.from || s.at > s.from+uint64(len(s.buf))) {
		s.buf, s.from = s.buf[:min(uint64(cap(s.buf)), s.size-at)], at
		if err := ReadFull(s.r, s.buf, int64(at)); err != nil {
			s.err = fmt.Errorf("reading the header: %w", err)
		}
	}
	if s.err != nil {
		return make([]byte, n)
	}
	return s.buf[at-s.from:][:n]
}

func (s *scanner) u32() uint32 { return binary.LittleEndian.Uint32(s.need(4)) }
func (s *scanner) u64() uint64 { return binary.LittleEndian.Uint64(s.need(8)) }

// skip passes over n bytes.
func (s *scanner) skip(n uint64) {
	if s.err == nil && n > s.left() {
		s.err = fmt.Errorf("ends at byte %d inside its header: the file is cut short", s.size)
	}
	if s.err == nil {
		s.at += n
	}
}

// name reads a string of at most maxNameBytes.
func (s *scanner) name(what string) string {
	n := s.u64()
	if s.err == nil && (n == 0 || n > maxNameBytes) {
		s.err = fmt.Errorf("%s of %d bytes, want 1 to %d", what, n, maxNameBytes)
	}
	if s.err != nil {
		return ""
	}
	name := string(s.need(n))
	if s.err == nil && (!utf8.ValidString(name) || strings.ContainsRune(name, 0)) {
		s.err = fmt.Errorf("%s is not text: %q", what, strict.Clip(name))
	}
	return name
}

// text passes over a string and gives its length.
func (s *scanner) text() uint64 {
	n := s.u64()
	s.skip(n)
	return n
}

// ReadFull fills p; a short file is io.ErrUnexpectedEOF.
func ReadFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := io.ReadFull(io.NewSectionReader(r, off, int64(len(p))), p)
	if n == 0 && err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
