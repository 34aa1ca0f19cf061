package reference

import (
	"fmt"
	"math"
	"slices"

	"muninn/model/decode"
	"muninn/shaders/plain"
)

// exitGate is the model's gate over the steps of some rows.
type exitGate struct {
	r         *Model
	survival  []float64 // by row: how likely it is to be still there
	logits    []float64 // of the last step
	exits     []float64 // how likely it left at the last step, unless that ends the run
	cumulated []float64
}

func (r *Model) exitGate(rows int) *exitGate {
	return &exitGate{r, slices.Repeat([]float64{1}, rows), make([]float64, rows), make([]float64, rows), make([]float64, rows)}
}

// step takes the states after a core step (S, d). At the last of a run all that is left leaves.
func (g *exitGate) step(state [][]float64, last bool) {
	for i, s := range state {
		g.logits[i] = plain.Dot(g.r.gate, s) + float64(g.r.gateBias[0])
		leaves := 1 / (1 + math.Exp(-g.logits[i]))
		if g.exits[i] = leaves * g.survival[i]; last {
			g.exits[i] = g.survival[i]
		}
		g.cumulated[i] += g.exits[i]
		g.survival[i] *= 1 - leaves
	}
}

// rows are what the device keeps of each row: survival, exits, their sum, the logit, and a number that is not compared.
func (g *exitGate) rows() [][]float64 {
	rows := newRows(len(g.exits), 5)
	for i := range rows {
		copy(rows[i], []float64{g.survival[i], g.exits[i], g.cumulated[i], g.logits[i]})
	}
	return rows
}

// gateMeasure is the criterion of the exit gate, for one row.
type gateMeasure struct{ *exitGate }

func (gateMeasure) start([][]float64) {}

func (m gateMeasure) value([][]float64, []float64) float64 { return m.cumulated[0] }

// refReadout is what a task reads in the place of its last states.
type refReadout struct {
	task  *decode.Task
	gate  *exitGate   // nil: the readout does not ask it
	state [][]float64 // (S, d)
	steps []int       // by row: core steps behind it; nil: all
}

func newReadout(r *Model, a *decode.Task, start [][]float64) *refReadout {
	o := &refReadout{task: a}
	if a.Readout.Kind == decode.ReadLast {
		return o
	}
	if a.Readout.Gated() {
		o.gate = r.exitGate(len(a.Rows))
	}
	o.state, o.steps = slices.Clone(start), make([]int, len(start))
	if a.Readout.Kind == decode.ReadWeighted {
		o.state = newRows(len(start), len(start[0]))
	}
	return o
}

// add takes the states after the step of an index.
func (o *refReadout) add(t int, state [][]float64, tap refTap) {
	if o.steps == nil {
		return
	}
	before := slices.Clone(o.steps)
	if o.gate != nil {
		o.gate.step(state, t == o.task.Steps-1)
		tap(fmt.Sprintf("step%d.exit_gate", t+1), o.gate.rows())
	}
	for i, s := range state {
		take := before[i] == t // it is not past its step
		switch o.task.Readout.Kind {
		case decode.ReadAt:
			take = take && t < o.task.Readout.Step
		case decode.ReadExit:
			take = take && (t == 0 || o.gate.cumulated[i]-o.gate.exits[i] < o.task.Readout.Threshold)
		case decode.ReadWeighted:
			share := o.gate.exits[i]
			for j, v := range s {
				o.state[i][j] += share * v
			}
			o.steps[i] = t + 1
			continue
		}
		if take {
			o.state[i], o.steps[i] = s, t+1
		}
	}
}

// of is what is read, where the last states are these.
func (o *refReadout) of(state [][]float64) [][]float64 {
	if o.steps == nil {
		return state
	}
	return o.state
}
