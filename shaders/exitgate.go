package shaders

import (
	"math"

	"muninn/vk"
)

// ExitGate is what a gate has made of a row since its run of core steps began, 20 bytes as in lib/gate.glsl. With the probability
// lambda = sigmoid(logit) of having had enough after a step, a row leaves at it with lambda times its survival, at the last step of
// the run with all that is left of that.
type ExitGate struct {
	Survival float32 // product of 1 - lambda
	Exits    float32 // how likely the row left at the last step
	CDF      float32 // sum of Exits: how likely it has left by now
	Logit    float32 // at the last step
	Read     uint32  // core steps behind the state that is read
}

// Readout says which state is read of a group's rows, 12 bytes as in lib/gate.glsl.
type Readout struct {
	Mode      ReadMode
	Step      uint32  // ReadAt
	Threshold float32 // ReadExit
}

// ReadMode is how a Readout chooses.
type ReadMode uint32

// The modes. What there is after each step is what would be read if it were the last: so ReadAt and ReadExit read the last step
// where theirs does not come.
const (
	ReadLast     ReadMode = iota
	ReadAt                // the state after so many steps of the run
	ReadExit              // the state after the first step with a CDF at the threshold or above
	ReadWeighted          // the sum of the states, each times its Exits
)

// The sizes of an ExitGate and a Readout on the device.
const (
	ExitGateBytes = 20
	ReadoutBytes  = 12
)

// Put writes the readout as the device reads it.
func (r Readout) Put(b []byte) { put(b, uint32(r.Mode), r.Step, math.Float32bits(r.Threshold)) }

// DecodeExitGate reads an ExitGate from ExitGateBytes bytes.
func DecodeExitGate(b []byte) ExitGate {
	return ExitGate{float(b, 0), float(b, 1), float(b, 2), float(b, 3), word(b, 4)}
}

// Readouts are what ExitGate keeps beside g.Gates; all of it may be left out.
type Readouts struct {
	Of    vk.Span // (groups) Readout; zero: nothing is read
	Read  Tensor  // (cells, d) the states that are read
	Exits vk.Span // (cells, Most) float32: Exits of each step, for inspection; zero: none are kept
	Most  int
}

// ExitGate records the gate's verdict on each row after a core step: between Advance and Retire, which checks groups with
// MeasureGate by it. The logit is weight . state[cell] + bias. g.Gates begin anew where a group has taken no step, and its rule's Steps
// say which is the last. state (cells, d); weight (d), bias (1) float32; zero spans: there is no gate, and rows are only read.
func (r *Recorder) ExitGate(state Tensor, weight, bias vk.Span, rows Rows, g Groups, o Readouts) {
	reads, gated := !o.Of.IsZero(), !weight.IsZero()
	r.check(!g.Gates.IsZero() && (!reads || o.Read.Cols == state.Cols && o.Read.Rows == state.Rows) && o.Exits.Size() >= 4*uint64(state.Rows)*uint64(o.Most),
		"exitgate of %d rows of %dx%d, which are read into %dx%d", rows.N, state.Rows, state.Cols, o.Read.Rows, o.Read.Cols)
	push := struct{ D, Stride, Gated, Most, Reads uint32 }{uint32(state.Cols), uint32(state.Stride), flag(gated), uint32(o.Most), flag(reads)}
	if !gated {
		weight, bias = g.Rules, g.Rules // here and below: bound, and left alone
	}
	if !reads {
		o.Of, o.Read.Span = g.Rules, g.Gates
	}
	if o.Most == 0 {
		o.Exits = g.Gates
	}
	bytes := uint64(rows.N) * uint64(state.Cols) * 4
	r.norm("exitgate", state.Cols, nil, push, rowsX(rows.N).kept(), vk.Cost{Bytes: 4 * bytes, FLOPs: bytes}, state.Span, weight, bias, rows.Span,
		g.Rules, g.Progress, g.Gates, o.Exits, o.Of, o.Read.Span)
}
