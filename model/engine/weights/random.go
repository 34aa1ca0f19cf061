package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/model/arch"
	"muninn/shaders/format"
	"muninn/vk"
)

// randomPiece is how much of a random matrix is drawn; the rest repeats it. It is no multiple of usual rows.
const randomPiece = 65521 * 8

// RandomFiller fills a model with random weights.
type RandomFiller struct{ Dev *vk.Device }

// Load fills a matrix with what its rows' length makes the size of trained weights, a vector with ones; an exit gate with zeros, by
// which half of what is left leaves after each core step.
func (r RandomFiller) Load(f Filling) error {
	if len(f.pieces) > 0 && f.pieces[0].Part == arch.PartExitGate {
		return r.Dev.Fill(f.vector, 0)
	}
	if !f.vector.IsZero() {
		return r.Dev.Write(f.vector, FloatBytes(slices.Repeat([]float32{1}, int(f.vector.Size()/4))))
	}
	kind, cols := f.matrix.Format, f.layout.cols
	size := 1 / math.Sqrt(float64(cols))
	weights, scales := randomWeights(rand.New(rand.NewPCG(1, uint64(cols))), kind, size), randomScales(kind, size)
	for _, s := range f.matrix.Shards {
		err := r.repeat(s.Span, weights)
		if err == nil && kind.Blocked() {
			err = r.repeat(s.Scales, scales)
		}
		if err != nil {
			return fmt.Errorf("model: making %s: %w", f.name(), err)
		}
	}
	return nil
}

// randomWeights is a piece of a format's plane of weights: even up to sqrt(3) times size, or even over a block's integers.
func randomWeights(rng *rand.Rand, f format.Type, size float64) []byte {
	piece := make([]byte, 0, randomPiece)
	for len(piece) < randomPiece {
		x := float32((2*rng.Float64() - 1) * math.Sqrt(3) * size)
		switch f {
		case format.F32:
			piece = binary.LittleEndian.AppendUint32(piece, math.Float32bits(x))
		case format.F16:
			piece = binary.LittleEndian.AppendUint16(piece, format.F32ToF16(x))
		case format.BF16:
			piece = binary.LittleEndian.AppendUint16(piece, uint16(math.Float32bits(x)>>16))
		default:
			piece = binary.LittleEndian.AppendUint64(piece, rng.Uint64())
		}
	}
	return piece
}

// randomScales is a piece of the scales of a block format, which are all the same: size over the integers' deviation.
func randomScales(f format.Type, size float64) []byte {
	deviation := 73.9
	if f == format.Q4_0 {
		deviation = 4.61
	}
	return bytes.Repeat(binary.LittleEndian.AppendUint16(nil, format.F32ToF16(float32(size/deviation))), 1<<15)
}

// repeat writes a piece over and over.
func (r RandomFiller) repeat(s vk.Span, piece []byte) error {
	return r.Dev.WriteFunc(s, func(off uint64, p []byte) error {
		for n := 0; n < len(p); {
			n += copy(p[n:], piece[(off+uint64(n))%uint64(len(piece)):])
		}
		return nil
	})
}
