package shaders

import (
	"math"

	"muninn/vk"
)

// ExitRule is what is asked of a group: rows that leave the core together. 32 bytes as in lib/group.glsl.
type ExitRule struct {
	Steps     uint32 // core steps at most
	Criterion uint32 // 0: none; else a number of the caller's that tells criteria apart
	Measure   Measure
	AtLeast   bool // done when the value is at the threshold or above; else when it is below
	Threshold float32
	MinSteps  uint32 // no check while the index of the step is below
	Every     uint32 // check every so many steps from there; 0 and 1: each
}

// Measure is how a check comes to its value.
type Measure uint32

// MeasureLogits: LogitCriterion wrote it. The others come of the states s, and s' and s” at the two checks before (at first the state
// that the rows began with), as a mean over the
// group's rows: norm(s - s') / norm(s); 1 - cosine(s, s'); norm(s - 2 s' + s”) / norm(s).
const (
	MeasureLogits Measure = iota
	MeasureDiff
	MeasureCosine
	MeasureAcceleration
)

// Progress is how far a group is, 16 bytes as in lib/group.glsl.
type Progress struct {
	Taken  uint32 // core steps
	Done   bool   // the rows have left
	Checks uint32
	Value  float32 // at the last check
}

// The sizes of an ExitRule and a Progress on the device.
const (
	RuleBytes     = 32
	ProgressBytes = 16
)

// Put writes the rule as the device reads it.
func (r ExitRule) Put(b []byte) {
	put(b, r.Steps, r.Criterion, uint32(r.Measure), flag(r.AtLeast), math.Float32bits(r.Threshold), r.MinSteps, r.Every, 0)
}

// Put writes the progress as the device reads it.
func (p Progress) Put(b []byte) {
	put(b, p.Taken, flag(p.Done), p.Checks, math.Float32bits(p.Value))
}

// DecodeProgress reads a Progress from ProgressBytes bytes.
func DecodeProgress(b []byte) Progress {
	return Progress{Taken: word(b, 0), Done: word(b, 1) != 0, Checks: word(b, 2), Value: float(b, 3)}
}

// Groups are the rows' groups on the device.
type Groups struct {
	Rules    vk.Span // (n) ExitRule
	Progress vk.Span // (n) Progress
	Change   vk.Span // (cells) plain.Change: of each row's state at its group's last check
	Values   vk.Span // (n, Checks) float32: values at each check
	N        int
	Checks   int
}
