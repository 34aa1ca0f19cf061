package ref

import (
	"encoding/binary"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
	"muninn/vk"
)

// gateSize is a case of the gate: with readouts and the exits of so many steps, and without; with a gate or without.
type gateSize struct {
	normSize
	ungated, reads bool
	most           int
}

func (s gateSize) String() string {
	name := s.normSize.String()
	if s.ungated {
		name += " no gate"
	}
	if s.reads {
		name += " read"
	}
	return name
}

func exitgateCases() []Case {
	var sizes []gateSize
	for i, s := range normSizes(2) {
		sizes = append(sizes, gateSize{s, false, true, 3}, gateSize{s, false, false, i % 2 * 5})
		if i%4 == 0 {
			sizes = append(sizes, gateSize{s, true, true, 0})
		}
	}
	return each(Case{Op: "exitgate", Limit: 1e-10, Why: "a float32 sum, and exp to a millionth"}, sizes, exitgateTrial)
}

// gateGroups are groups at the first, a middle, the last and the only step of a run, with each readout.
func gateGroups() (rules []shaders.ExitRule, progress []shaders.Progress, readouts []shaders.Readout) {
	for _, r := range []shaders.Readout{{}, {Mode: shaders.ReadAt, Step: 3}, {Mode: shaders.ReadAt, Step: 2}, {Mode: shaders.ReadExit, Threshold: 0.4},
		{Mode: shaders.ReadExit, Threshold: 0.8}, {Mode: shaders.ReadWeighted}} {
		for _, at := range [][2]uint32{{0, 5}, {2, 5}, {4, 5}, {0, 1}} {
			rules, progress, readouts = append(rules, shaders.ExitRule{Steps: at[1]}), append(progress, shaders.Progress{Taken: at[0]}), append(readouts, r)
		}
	}
	return rules, progress, readouts
}

// gateStep is what a step makes of a gate, and the share of the step's state in what is read; read: whether that changes.
func gateStep(g plain.ExitGate, logit float64, t, steps uint32, r shaders.Readout) (_ plain.ExitGate, share float64, read bool) {
	if t == 0 {
		g = plain.NewExitGate()
	}
	before := g.CDF
	g.Step(logit, t+1 == steps)
	switch r.Mode {
	case shaders.ReadAt:
		return g, 1, t < r.Step
	case shaders.ReadExit:
		return g, 1, t == 0 || before < float64(r.Threshold)
	case shaders.ReadWeighted:
		return g, g.Exits, true
	}
	return g, 1, true
}

// gateWeights make logits of a few units of every family's states.
func (t *trial) gateWeights(s normSize) []float32 {
	w := t.values("weight", uniform, 1, s.d)
	for i := range w {
		w[i] *= 4 / float32(math.Sqrt(float64(s.d)))
		switch {
		case s.family == halfMax:
			w[i] /= 65504
		case s.family == heavy && i == s.d/3:
			w[i] /= 1000
		}
	}
	return w
}

func exitgateTrial(t *trial, s gateSize) {
	in := t.cellTable(s.n)
	rules, progress, readouts := gateGroups()
	rows := slices.Clone(in.table)
	begins := map[uint32]bool{} // cells whose gate holds nothing yet
	for n := range rows {
		rows[n].Group = uint32((n*5 + s.d) % len(rules))
		begins[rows[n].Cell] = progress[rows[n].Group].Taken == 0
	}
	table, _ := t.rows(rows, false)
	state, before := t.drawn("state", s.family, in.cells, s.d), t.values("read", uniform, in.cells, s.d)
	chances := t.values("gates", uniform, in.cells, 2)
	gates := make([]shaders.ExitGate, in.cells)
	for cell := range gates {
		gates[cell].Survival, gates[cell].CDF, gates[cell].Read = (chances[2*cell]+1)/2, (chances[2*cell+1]+1)/2, 2
		if begins[uint32(cell)] {
			gates[cell] = shaders.ExitGate{Survival: filler(1)[0], CDF: filler(1)[0], Read: 77}
			copy(before[cell*s.d:], filler(s.d))
		}
	}
	raw, _ := binary.Append(nil, binary.LittleEndian, gates) // fixed-size fields cannot fail
	g := t.groups(rules, progress, in.cells, 0)
	kept := t.buffer("gates", raw, true)
	g.Gates = kept.data
	exits, read := t.blank("exits", 4*in.cells*s.most), t.inout("read", before, s.d)

	var w, b vk.Span // zero: no gate
	weight, bias := t.gateWeights(s.normSize), float32(-0.3)
	if !s.ungated {
		w, b = t.floats("weight", weight), t.floats("bias", []float32{bias})
	}
	o := shaders.Readouts{Exits: exits.data, Most: s.most}
	if s.reads {
		o.Of, o.Read = t.buffer("readouts", packed(readouts, shaders.ReadoutBytes), false).data, read.Tensor
	}
	wantRead := plain.Widen(before)
	want := map[uint32]wantedGate{}
	for _, r := range rows {
		at := int(r.Cell) * s.d
		x, p := state.x[at:][:s.d], progress[r.Group]
		logit, size := 0.0, 0.0
		if !s.ungated {
			logit = plain.Dot(weight, x) + float64(bias)
			for i, v := range x {
				size += math.Abs(float64(v) * float64(weight[i]))
			}
		}
		old := gates[r.Cell]
		now, share, changes := gateStep(plain.ExitGate{Survival: float64(old.Survival), CDF: float64(old.CDF)}, logit, p.Taken, rules[r.Group].Steps, readouts[r.Group])
		v := wantedGate{ExitGate: now, size: max(size, 1), t: int(p.Taken), read: old.Read}
		if p.Taken == 0 {
			v.read = 0
		}
		if s.reads && changes {
			v.read = p.Taken + 1
			for i := range x {
				old := wantRead[at+i]
				if p.Taken == 0 || readouts[r.Group].Mode != shaders.ReadWeighted {
					old = 0
				}
				wantRead[at+i] = old + share*float64(x[i])
			}
		}
		want[r.Cell] = v
	}
	t.check(func(r *shaders.Recorder) { r.ExitGate(state.Tensor, w, b, table, g.Groups, o) }, func(v *verdict) {
		if s.reads {
			v.tensor(read, reference{value: wantRead})
		}
		for cell := range gates {
			v.gate(cell, kept, exits, s.most, want)
		}
	})
}

// wantedGate is a gate after step t, and the size of its logit when the terms do not cancel.
type wantedGate struct {
	plain.ExitGate
	size float64
	t    int
	read uint32
}

// gate compares a cell's gate, and its exits of so many steps, with what is wanted of those that rows have; the others stay.
func (v *verdict) gate(cell int, gates, exits *operand, most int, want map[uint32]wantedGate) {
	now := func(o *operand, at, n int) (got, before []byte) { return o.values()[at:][:n], o.before()[at:][:n] }
	got, before := now(gates, cell*shaders.ExitGateBytes, shaders.ExitGateBytes)
	w, has := want[uint32(cell)]
	if !has && !slices.Equal(got, before) {
		v.fail("the gate of cell %d was written, and no row has it", cell)
	}
	if has {
		g := shaders.DecodeExitGate(got)
		v.values("gate", []float32{g.Survival, g.Exits, g.CDF, g.Logit},
			reference{[]float64{w.Survival, w.Exits, w.CDF, w.Logit}, []float64{1, 1, 1, w.size}}, 1)
		if g.Read != w.read {
			v.fail("cell %d is read after %d steps, want %d", cell, g.Read, w.read)
		}
	}
	for t := range most {
		got, before := now(exits, 4*(cell*most+t), 4)
		switch {
		case has && t == w.t:
			v.values("exits", floatsOf(got), reference{[]float64{w.Exits}, []float64{1}}, 1)
		case !slices.Equal(got, before):
			v.fail("the exit of cell %d at step %d was written", cell, t)
		}
	}
}
