package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"

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

// Fits says why a model cannot start so, if so: where states are not drawn, none can be given, and a scale is 0 or 1, which say nothing.
func (q Sequence) Fits(c arch.Config) error {
	if c.StartsDrawn() || q.States == nil && (q.InitScale == 0 || q.InitScale == 1) {
		return nil
	}
	return fmt.Errorf("model: %w: initial states or an init_scale for this %s model: its states are not drawn, they begin as the token itself", ErrStrategy, c.FamilyName())
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

// Uniform is the number in (0, 1) that picks the token following the one at pos, in the sequence of that key.
func Uniform(key uint64, pos int) float64 {
	return plain.Uniform(key, uint32(pos), plain.KindChoice, 0)
}

// ErrNoise is wrapped by errors about state noise.
var ErrNoise = errors.New("bad state noise")

// StateNoise is the reference's test_time_noise: fresh noise mixed into the state before each core step, after which norm_4
// of the last core block is applied.
type StateNoise struct {
	Weight float64   // 0: none
	Type   NoiseType // how it falls with the steps; fixed if empty
}

// NoiseType is the reference's test_time_noise_type.
type NoiseType string

// The five types: n; n/step; n/sqrt(step); max(n, (mean_recurrence-step)/mean_recurrence), step from 0; 2 n u with u uniform.
const (
	NoiseFixed NoiseType = "fixed"
	NoiseGeom  NoiseType = "geom"
	NoiseSqrt  NoiseType = "sqrt"
	NoiseLine  NoiseType = "line"
	NoiseChi   NoiseType = "chi"
)

// NoiseTypes lists the types, in the order of their numbers.
var NoiseTypes = []NoiseType{NoiseFixed, NoiseGeom, NoiseSqrt, NoiseLine, NoiseChi}

// Validate says what is out of range. The error wraps ErrNoise.
func (n StateNoise) Validate() error {
	switch {
	case !(n.Weight >= 0) || n.Weight > math.MaxFloat32:
		return fmt.Errorf("model: %w: test_time_noise is %g, want 0 (off) or more", ErrNoise, n.Weight)
	case n.Type != "" && !slices.Contains(NoiseTypes, n.Type):
		return fmt.Errorf("model: %w: test_time_noise_type %q; known: %v", ErrNoise, n.Type, NoiseTypes)
	}
	return nil
}

// Plain is the type by its number; fixed if empty.
func (t NoiseType) Plain() plain.NoiseType {
	return plain.NoiseType(max(slices.Index(NoiseTypes, t), 0))
}
