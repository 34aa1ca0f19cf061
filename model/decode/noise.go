package decode

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"muninn/model/arch"
	"muninn/shaders/plain"
)

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

// Share is how much of the state the noise takes before the core step of an index, counted from 0: the state becomes
// (1 - share) state + share noise. u is the uniform number of the step (StepUniform), which chi alone asks for.
func (n StateNoise) Share(c arch.Config, step int, u float64) float64 {
	return plain.NoiseShare(n.Type.Plain(), n.Weight*stateScale(c), step, c.MeanRecurrence, u)
}

// Plain is the type by its number; fixed if empty.
func (t NoiseType) Plain() plain.NoiseType {
	return plain.NoiseType(max(slices.Index(NoiseTypes, t), 0))
}

// stateScale is the standard deviation of a value of an initial state.
func stateScale(c arch.Config) float64 { return c.StateStd() * c.EmbedScale() }
