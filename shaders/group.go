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
	Delay     uint32 // core steps that are still taken once a check is met
}

// Measure is how a check comes to its value.
type Measure uint32

// MeasureLogits: LogitCriterion wrote it. The others come of the states s, and s' and s” at the two checks before (at first the state
// that the rows began with), as a mean over the group's rows: norm(s - s') / norm(s); 1 - cosine(s, s'); norm(s - 2 s' + s”) / norm(s).
// MeasureGate is the mean of the rows' ExitGate.CDF.
const (
	MeasureLogits Measure = iota
	MeasureDiff
	MeasureCosine
	MeasureAcceleration
	MeasureGate
)

// Progress is how far a group is, 16 bytes as in lib/group.glsl.
type Progress struct {
	Taken  uint32 // core steps
	Done   bool   // the rows have left
	Checks uint32
	Value  float32 // at the last check
	Delay  uint32  // core steps that are still taken, a check being met; 0: none was, or the rows have left
}

// The sizes of an ExitRule and a Progress on the device.
const (
	RuleBytes     = 32
	ProgressBytes = 16
)

// Put writes the rule as the device reads it.
func (r ExitRule) Put(b []byte) {
	put(b, r.Steps, r.Criterion, uint32(r.Measure), flag(r.AtLeast), math.Float32bits(r.Threshold), r.MinSteps, r.Every, r.Delay)
}

// Put writes the progress as the device reads it.
func (p Progress) Put(b []byte) {
	done := flag(p.Done)
	if p.Delay > 0 {
		done = 1 + p.Delay
	}
	put(b, p.Taken, done, p.Checks, math.Float32bits(p.Value))
}

// DecodeProgress reads a Progress from ProgressBytes bytes.
func DecodeProgress(b []byte) Progress {
	p := Progress{Taken: word(b, 0), Checks: word(b, 2), Value: float(b, 3)}
	if done := word(b, 1); done > 0 {
		p.Done, p.Delay = done == 1, done-1
	}
	return p
}

// Groups are the rows' groups on the device.
type Groups struct {
	Rules    vk.Span // (n) ExitRule
	Progress vk.Span // (n) Progress
	Change   vk.Span // (cells) plain.Change: of each row's state at its group's last check
	Gates    vk.Span // (cells) ExitGate of each row; zero: no rule asks a gate
	Values   vk.Span // (n, Checks) float32: values at each check
	N        int
	Checks   int
}
