package decode

import (
	"muninn/model/arch"
	"muninn/shaders/plain"
)

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

// InitialState fills dst (n_embd) with the state from which the token at pos starts its recurrence: normal
// values of standard deviation StateStd() * initScale cut at 3 of them, times sqrt(n_embd). They depend on key
// (SequenceKey) and pos alone, so a token starts from the same state however the work is scheduled, drafted or
// repeated. The kernel initstate.comp computes the same in float32.
func InitialState(key uint64, pos int, cfg arch.Config, initScale float64, dst []float32) {
	normals(dst, key, pos, plain.KindInitial, 0, plain.InitialCut, stateScale(cfg)*initScale)
}

// MixedState fills dst (n_embd) with a fresh state for TaskRow.Mix: as InitialState, another for each draw.
func MixedState(key uint64, pos, draw int, cfg arch.Config, initScale float64, dst []float32) {
	normals(dst, key, pos, plain.KindMixed, uint32(draw), plain.InitialCut, stateScale(cfg)*initScale)
}

// StepNoise fills dst (n_embd) with the noise of a position before the core step of an index from 0: normal values of
// standard deviation 1.
func StepNoise(key uint64, pos, draw, step int, dst []float32) {
	normals(dst, key, pos, plain.KindNoise, uint32(draw)<<16|uint32(step), 0, 1)
}

func normals(dst []float32, key uint64, pos int, kind plain.Kind, which uint32, cut, scale float64) {
	v := make([]float64, len(dst))
	plain.Normals(v, key, uint32(pos), kind, which, cut, scale)
	for i := range dst {
		dst[i] = float32(v[i])
	}
}

// StepUniform is the number in (0, 1) of noise type chi for that step.
func StepUniform(key uint64, pos, draw, step int) float64 {
	return plain.Uniform(key, uint32(pos), plain.KindNoiseChi, uint32(draw)<<16|uint32(step))
}

// Uniform is the number in (0, 1) that picks the token following the one at pos, in the sequence of that key.
func Uniform(key uint64, pos int) float64 {
	return plain.Uniform(key, uint32(pos), plain.KindChoice, 0)
}
