package tokenizer

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// The generators of tools/tokenizer-goldens/generate.mjs: the same seed gives the same string there and here.

// mulberry is the generator mulberry32.
type mulberry uint32

func (m *mulberry) next() uint32 {
	*m += 0x6D2B79F5
	t := uint32(*m)
	t = (t ^ t>>15) * (t | 1)
	t ^= t + (t^t>>7)*(t|61)
	return t ^ t>>14
}

func (m *mulberry) below(n int) int { return int(m.next() % uint32(n)) }

func mixedText(seed int, pools [][]string) string {
	m := mulberry(seed)
	var b strings.Builder
	for n := 1 + m.below(12); n > 0; n-- {
		pool := pools[m.below(len(pools))]
		for k := 1 + m.below(5); k > 0; k-- {
			b.WriteString(pool[m.below(len(pool))])
		}
	}
	return b.String()
}

var codePointRanges = [][2]rune{{0, 0x7f}, {0x80, 0x2ff}, {0x300, 0x1fff}, {0x2000, 0x2fff}, {0x3000, 0xd7ff},
	{0xe000, 0xffff}, {0x10000, 0x1ffff}, {0x20000, 0x10ffff}}

func codePointText(seed int) string {
	m := mulberry(seed)
	var b strings.Builder
	for n := 1 + m.below(16); n > 0; n-- {
		r := codePointRanges[m.below(len(codePointRanges))]
		b.WriteRune(r[0] + rune(m.below(int(r[1]-r[0]+1))))
	}
	return b.String()
}

func randomIDs(seed, vocabSize int) []int32 {
	m := mulberry(seed)
	out := []int32{}
	for n := m.below(24); n > 0; n-- {
		v, limit := m.next(), 256
		if m.below(4) != 0 {
			limit = vocabSize + 3
		}
		out = append(out, int32(v%uint32(limit)))
	}
	return out
}

func checksum(ids []int32) uint32 {
	var b []byte
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return crc32.ChecksumIEEE(b)
}
