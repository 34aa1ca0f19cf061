package shaders

import (
	"encoding/binary"
	"math"
)

// put writes words as the device reads them.
func put(b []byte, words ...uint32) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// word and float read word i of what the device wrote.
func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }

func float(b []byte, i int) float32 { return math.Float32frombits(word(b, i)) }

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
