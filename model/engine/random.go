package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/internal/strict"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Random is a model of a shape with random weights of the size that training leaves, made on the device without a file. It
// says nothing, at the speed of a real one. As stored means bf16. Prelude and coda may be empty, which leaves the core block.
func Random(c arch.Config, scheme checkpoint.Scheme, dev *vk.Device) (*Model, error) {
	if err := CheckShape(c); err != nil {
		return nil, err
	}
	if err := scheme.Check(c); err != nil {
		return nil, err
	}
	m := &Model{Config: c, dev: dev, eps: float32(c.NormEps)}
	r := randomFiller{dev}
	return m, m.fill(DeviceFormats(scheme, c, RandomStored), shaders.Options{}, r.load)
}

// RandomStored is the type that Random takes its tensors to be stored in.
func RandomStored(string) format.Type { return format.BF16 }

// CheckShape checks a shape that comes from no file.
func CheckShape(c arch.Config) error {
	switch {
	case c.NEmbd < 2 || c.NEmbd > arch.MaxEmbd || c.IntermediateSize < 1 || c.IntermediateSize > arch.MaxInner || c.PaddedVocabSize < 1 || c.PaddedVocabSize > arch.MaxVocab:
		return strict.Unusable("shape: width %d, mlp %d, vocabulary %d: want up to %d, %d, %d", c.NEmbd, c.IntermediateSize, c.PaddedVocabSize, arch.MaxEmbd, arch.MaxInner, arch.MaxVocab)
	case c.NHeads < 1 || c.NEmbd != c.NHeads*c.HeadDim || c.HeadDim%2 != 0 || c.HeadDim > shaders.MaxHeadDim:
		return strict.Unusable("shape: width %d over %d heads: want an even head size up to %d", c.NEmbd, c.NHeads, shaders.MaxHeadDim)
	case c.NLayersInPrelude < 0 || c.NLayersInCoda < 0 || c.NLayersInRecurrentBlock < 1 || max(c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda) > arch.MaxLayers:
		return strict.Unusable("shape: layers %d, %d, %d: want 0 to %d of prelude and coda, 1 to %d of the core", c.NLayersInPrelude,
			c.NLayersInRecurrentBlock, c.NLayersInCoda, arch.MaxLayers, arch.MaxLayers)
	case c.BlockSize < 1 || c.BlockSize > arch.MaxBlockSize || c.MeanRecurrence < 1 || c.MeanRecurrence > arch.MaxRecur || !(c.NormEps > 0) || !(c.RopeBase > 1):
		return strict.Unusable("shape: block_size %d, mean_recurrence %d, norm_eps %g, rope_base %g: out of range", c.BlockSize, c.MeanRecurrence, c.NormEps, c.RopeBase)
	}
	return nil
}

// randomPiece is how much of a random matrix is drawn; the rest repeats it. It is no multiple of usual rows.
const randomPiece = 65521 * 8

type randomFiller struct{ dev *vk.Device }

// load fills a matrix with what its rows' length makes the size of trained weights, a vector with ones.
func (r randomFiller) load(f filling) error {
	if !f.vector.IsZero() {
		ones := make([]float32, f.vector.Size()/4)
		for i := range ones {
			ones[i] = 1
		}
		return r.dev.Write(f.vector, floatBytes(ones))
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
	piece := make([]byte, 0, 1<<16)
	for len(piece) < cap(piece) {
		piece = binary.LittleEndian.AppendUint16(piece, format.F32ToF16(float32(size/deviation)))
	}
	return piece
}

// repeat writes a piece over and over.
func (r randomFiller) repeat(s vk.Span, piece []byte) error {
	return r.dev.WriteFunc(s, func(off uint64, p []byte) error {
		for n := 0; n < len(p); {
			n += copy(p[n:], piece[(off+uint64(n))%uint64(len(piece)):])
		}
		return nil
	})
}
