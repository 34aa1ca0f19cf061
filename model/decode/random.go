package decode

import (
	"math"

	"muninn/model/arch"
)

// initialCut is where the initial state's normal distribution is cut, in standard deviations.
const initialCut = 3

// Sequence is how a sequence's tokens start their recurrence.
type Sequence struct {
	Seed      uint64  // of the initial states and the draws
	Stream    uint64  // tells sequences of one seed apart
	InitScale float64 // times the standard deviation of the initial state; 0 starts from zeros. SetSequence's default is 1
	// States gives the initial state (n_embd) of a position instead of the generator.
	States func(pos int) []float32
	// ContinuousCompute has Forward start each decoded token from the previous token's final state after ln_f.
	ContinuousCompute bool
}

// SequenceKey is the generator key of one sequence of a run: two rounds of the splitmix64 finaliser (Steele,
// Lea and Flood, 2014), so that neighbouring seeds and sequences give unrelated keys.
func SequenceKey(seed, sequence uint64) uint64 {
	return mix64(mix64(seed+splitmixGamma) + (sequence+1)*splitmixGamma)
}

const splitmixGamma = 0x9e3779b97f4a7c15

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// philox is Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011): four words that
// depend on key and counter alone.
func philox(key uint64, c [4]uint32) [4]uint32 {
	k0, k1 := uint32(key), uint32(key>>32)
	for range 10 {
		p0, p1 := uint64(0xD2511F53)*uint64(c[0]), uint64(0xCD9E8D57)*uint64(c[2])
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k0, uint32(p1), uint32(p0>>32) ^ c[3] ^ k1, uint32(p0)}
		k0 += 0x9E3779B9
		k1 += 0xBB67AE85
	}
	return c
}

// uniform01 is in (0, 1): the midpoint of one of 2^23 equal steps, exact in float32.
func uniform01(word uint32) float64 { return (float64(word>>9) + 0.5) / (1 << 23) }

// InitialState fills dst (n_embd) with the state from which the token at pos starts its recurrence: normal
// values of standard deviation StateStd() * initScale cut at 3 of them, times sqrt(n_embd). They depend on key
// (SequenceKey) and pos alone, so a token starts from the same state however the work is scheduled, drafted or
// repeated. The kernel initstate.comp computes the same in float32.
func InitialState(key uint64, pos int, cfg arch.Config, initScale float64, dst []float32) {
	cutNormal(key, uint32(pos), kindInitial, 0, cfg, initScale, dst)
}

// The last two words of a counter say what the number is for: its kind, and which of the kind.
const (
	kindInitial  = iota // the initial state of a position
	kindChoice          // the token that follows a position
	kindNoise           // noise before a core step: draw<<16 | step
	kindNoiseChi        // the uniform number of type chi for that step
	kindMixed           // a fresh state mixed in: draw
	kindExtra           // random tokens of a wave, by number
)

func cutNormal(key uint64, pos, kind, which uint32, cfg arch.Config, initScale float64, dst []float32) {
	scale := cfg.StateStd() * cfg.EmbedScale() * initScale
	within := math.Erf(initialCut / math.Sqrt2) // share of a normal distribution inside the cut
	var words [4]uint32
	for i := range dst {
		if i%4 == 0 {
			words = philox(key, [4]uint32{pos, uint32(i / 4), kind, which})
		}
		u := uniform01(words[i%4])
		dst[i] = float32(math.Sqrt2 * math.Erfinv((2*u-1)*within) * scale)
	}
}

// MixedState fills dst (n_embd) with a fresh state for TaskRow.Mix: as InitialState, another for each draw.
func MixedState(key uint64, pos, draw int, cfg arch.Config, initScale float64, dst []float32) {
	cutNormal(key, uint32(pos), kindMixed, uint32(draw), cfg, initScale, dst)
}

// StepNoise fills dst (n_embd) with the noise of a position before the core step of an index from 0: normal values of
// standard deviation 1.
func StepNoise(key uint64, pos, draw, step int, dst []float32) {
	var words [4]uint32
	for i := range dst {
		if i%4 == 0 {
			words = philox(key, [4]uint32{uint32(pos), uint32(i / 4), kindNoise, uint32(draw)<<16 | uint32(step)})
		}
		dst[i] = float32(math.Sqrt2 * math.Erfinv(2*uniform01(words[i%4])-1))
	}
}

// StepUniform is the number in (0, 1) of noise type chi for that step.
func StepUniform(key uint64, pos, draw, step int) float64 {
	return uniform01(philox(key, [4]uint32{uint32(pos), 0, kindNoiseChi, uint32(draw)<<16 | uint32(step)})[0])
}

// Uniform is the number in (0, 1) that picks the token following the one at pos, in the sequence of that key.
func Uniform(key uint64, pos int) float64 {
	return uniform01(philox(key, [4]uint32{uint32(pos), 0, kindChoice, 0})[0])
}
