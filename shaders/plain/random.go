package plain

import "math"

// Philox is the generator Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): four words
// that depend on key and counter alone.
func Philox(key uint64, c [4]uint32) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	for range 10 {
		a, b := 0xD2511F53*uint64(c[0]), 0xCD9E8D57*uint64(c[2])
		c = [4]uint32{uint32(b>>32) ^ c[1] ^ k0, uint32(b), uint32(a>>32) ^ c[3] ^ k1, uint32(a)}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}

// Kind is what a random number is for: the third word of the generator's counter. The fourth says which of the kind.
type Kind uint32

// The kinds. A step's number is draw<<16 | step.
const (
	KindInitial  Kind = iota // the initial state of a position
	KindChoice               // the token that follows a position
	KindNoise                // noise before a core step, by the step's number
	KindNoiseChi             // the uniform number of NoiseChi, by the step's number
	KindMixed                // a fresh state mixed in, by the draw
	KindExtra                // random tokens of a wave, by number
)

// Uniform returns the number in (0, 1) that a key has at a position: the midpoint of one of 2^23 equal steps, exact in float32.
func Uniform(key uint64, position uint32, kind Kind, which uint32) float64 {
	return uniform(Philox(key, [4]uint32{position, 0, uint32(kind), which})[0])
}

func uniform(word uint32) float64 { return (float64(word>>9) + 0.5) / (1 << 23) }

// InitialCut is where the initial state's normal distribution is cut, in standard deviations.
const InitialCut = 3

// Normals fills dst with normal values of standard deviation scale, cut at so many of them; 0 means not cut. They depend on
// key, position, kind and which alone.
func Normals(dst []float64, key uint64, position uint32, kind Kind, which uint32, cut, scale float64) {
	within := 1.0 // share of a normal distribution inside the cut
	if cut > 0 {
		within = math.Erf(cut / math.Sqrt2)
	}
	var words [4]uint32
	for i := range dst {
		if i%4 == 0 {
			words = Philox(key, [4]uint32{position, uint32(i / 4), uint32(kind), which})
		}
		dst[i] = math.Sqrt2 * math.Erfinv((2*uniform(words[i%4])-1)*within) * scale
	}
}

// NoiseType is how the weight of noise falls with the core steps.
type NoiseType uint32

// The types: n; n/step; n/sqrt(step); max(n, (mean-step)/mean), step from 0; 2 n u with u uniform.
const (
	NoiseFixed NoiseType = iota
	NoiseGeom
	NoiseSqrt
	NoiseLine
	NoiseChi
)

// NoiseShare returns how much of the state noise of weight n takes before the core step of an index from 0; mean is
// mean_recurrence, and u the step's uniform number, which NoiseChi alone asks for.
func NoiseShare(t NoiseType, n float64, step, mean int, u float64) float64 {
	switch t {
	case NoiseGeom:
		return n / float64(step+1)
	case NoiseSqrt:
		return n / math.Sqrt(float64(step+1))
	case NoiseLine:
		return max(n, float64(mean-step)/float64(mean))
	case NoiseChi:
		return n * 2 * u
	}
	return n
}
