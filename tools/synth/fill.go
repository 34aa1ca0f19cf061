package main

import (
	"encoding/binary"

	"muninn/model/arch"
	"muninn/shaders/format"
)

// source makes the stored bytes of one tensor, any part of it on its own. Element n takes the sixteen bits n%4 of random
// word n/4 and looks them up in a table.
type source struct {
	key   uint64
	size  int   // bytes of an element
	cols  int64 // elements of a row
	left  *table
	right *table // of the second half of each row; left, where the halves do not differ
}

func newSource(c arch.Config, name string, cols int, dtype format.Type, seed uint64) *source {
	left, right := recipe(c, name)
	s := &source{key: key(seed, name), size: dtype.Size(), cols: int64(cols), left: newTable(left, dtype)}
	s.right = s.left
	if right != left {
		s.right = newTable(right, dtype)
	}
	return s
}

// fill makes the elements from first on; dst holds a whole number of them.
func (s *source) fill(dst []byte, first int64) {
	count := int64(len(dst) / s.size)
	if s.left == s.right {
		s.run(dst, first, count, s.left)
		return
	}
	for count > 0 {
		col := first % s.cols
		t, end := s.left, s.cols/2
		if col >= end {
			t, end = s.right, s.cols
		}
		n := min(end-col, count)
		s.run(dst, first, n, t)
		dst, first, count = dst[n*int64(s.size):], first+n, count-n
	}
}

// run makes count elements of one table: single ones up to a word's border, then a word's four at a time.
func (s *source) run(dst []byte, first, count int64, t *table) {
	for ; count > 0 && (first%4 != 0 || count < 4); count-- {
		s.one(dst, uint16(word(s.key, first/4)>>(first%4*16)), t)
		dst, first = dst[s.size:], first+1
	}
	if t.wide != nil {
		for ; count >= 4; count -= 4 {
			w := word(s.key, first/4)
			binary.LittleEndian.PutUint64(dst, uint64(t.wide[w&0xffff])|uint64(t.wide[w>>16&0xffff])<<32)
			binary.LittleEndian.PutUint64(dst[8:], uint64(t.wide[w>>32&0xffff])|uint64(t.wide[w>>48])<<32)
			dst, first = dst[16:], first+4
		}
	} else {
		for ; count >= 4; count -= 4 {
			w := word(s.key, first/4)
			binary.LittleEndian.PutUint64(dst, uint64(t.narrow[w&0xffff])|uint64(t.narrow[w>>16&0xffff])<<16|
				uint64(t.narrow[w>>32&0xffff])<<32|uint64(t.narrow[w>>48])<<48)
			dst, first = dst[8:], first+4
		}
	}
	if count > 0 {
		s.run(dst, first, count, t)
	}
}

func (s *source) one(dst []byte, index uint16, t *table) {
	if t.wide != nil {
		binary.LittleEndian.PutUint32(dst, t.wide[index])
		return
	}
	binary.LittleEndian.PutUint16(dst, t.narrow[index])
}
