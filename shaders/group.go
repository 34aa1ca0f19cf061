package shaders

import (
	"encoding/binary"
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

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// Put writes the rule as the device reads it.
func (r ExitRule) Put(b []byte) {
	for i, w := range [8]uint32{r.Steps, r.Criterion, uint32(r.Measure), flag(r.AtLeast), math.Float32bits(r.Threshold), r.MinSteps, r.Every, 0} {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// Put writes the progress as the device reads it.
func (p Progress) Put(b []byte) {
	for i, w := range [4]uint32{p.Taken, flag(p.Done), p.Checks, math.Float32bits(p.Value)} {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

// DecodeProgress reads a Progress from ProgressBytes bytes.
func DecodeProgress(b []byte) Progress {
	w := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	return Progress{Taken: w(0), Done: w(1) != 0, Checks: w(2), Value: math.Float32frombits(w(3))}
}

// Groups are the rows' groups on the device.
type Groups struct {
	Rules    vk.Span // (n) ExitRule
	Progress vk.Span // (n) Progress
	Change   vk.Span // (cells) Change: of each row's state at its group's last check
	Values   vk.Span // (n, Checks) float32: values at each check
	N        int
	Checks   int
}
