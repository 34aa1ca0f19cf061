package engine

import (
	"encoding/binary"

	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// exchange is what host and device hand each other at a pass: row table and picks go up, choices come down.
type exchange struct {
	begin  mirrored // (Rows) shaders.Row: rows to embed
	live   mirrored // (Rows) shaders.Row: rows that take core steps
	check  mirrored // (Rows) shaders.Row: rows of tasks whose criterion looks at logits
	finish mirrored // (Rows) shaders.Row: rows that leave the core

	outputs  mirrored // (logits) shaders.Move: rows whose logits are wanted
	carry    mirrored // (Sequences) shaders.Move: slots of states that rows start from after ln_f
	last     mirrored // (Sequences) shaders.Move: last rows of check
	group    mirrored // (Sequences) uint32: groups of these
	rules    mirrored // (Sequences) shaders.ExitRule
	progress mirrored // (Sequences) shaders.Progress
	readouts mirrored // (Sequences) shaders.Readout
	pairs    mirrored // (Sequences x Compares) shaders.Pair
	given    mirrored // (logits) uint32: tokens whose distance to the largest logit is wanted
	wanted   mirrored // (logits) uint32: how many of the likeliest tokens are wanted
	filters  mirrored // (logits) shaders.Filter
	edits    mirrored // (Outputs x edits of a row) shaders.Edit
	count    mirrored // [1] uint32: edits in use
	states   mirrored // (Rows, d) initial states from the caller; the host's part is allocated at first use

	choices   mirrored // (logits) shaders.Choice
	likely    mirrored // (logits) shaders.Likely
	reached   mirrored // (Sequences) shaders.Progress
	gates     mirrored // (cells) shaders.ExitGate
	distances mirrored // (Sequences x Compares) shaders.Distance
}

// mirrored is mapped memory of the host, and its copy on the device.
type mirrored struct{ host, dev vk.Span }

// allocate takes the memory of both sides beside the groups and tensors that are on the device, for up to edits edits of a row's logits.
func (x *exchange) allocate(m *weights.Memory, o SessionOptions, edits int, groups shaders.Groups, states vk.Span) {
	up := func(n, size int) mirrored { return mirrored{m.Take(m.Up, uint64(n*size)), m.Span(uint64(n * size))} }
	down := func(n, size int) mirrored { return mirrored{m.Take(m.Down, uint64(n*size)), m.Span(uint64(n * size))} }
	x.begin, x.live = up(o.Rows, shaders.RowBytes), up(o.Rows, shaders.RowBytes)
	x.check, x.finish = up(o.Rows, shaders.RowBytes), up(o.Rows, shaders.RowBytes)
	n := o.logits()
	x.outputs, x.carry, x.last = up(n, shaders.MoveBytes), up(o.Sequences, shaders.MoveBytes), up(o.Sequences, shaders.MoveBytes)
	x.group = up(o.Sequences, 4)
	x.rules = mirrored{m.Take(m.Up, groups.Rules.Size()), groups.Rules}
	x.progress = mirrored{m.Take(m.Up, groups.Progress.Size()), groups.Progress}
	if o.Readouts {
		x.readouts, x.gates = up(o.Sequences, shaders.ReadoutBytes), mirrored{m.Take(m.Down, groups.Gates.Size()), groups.Gates}
	}
	x.given, x.wanted, x.filters = up(n, 4), up(n, 4), up(n, shaders.FilterBytes)
	x.edits, x.count = up(o.Outputs*edits, shaders.EditBytes), up(1, 4)
	x.states.dev = states
	x.choices, x.likely = down(n, shaders.ChoiceBytes), down(n, shaders.LikelyBytes)
	x.reached = mirrored{m.Take(m.Down, groups.Progress.Size()), groups.Progress}
	if n := o.Sequences * o.Compares; n > 0 {
		x.pairs, x.distances = up(n, shaders.PairBytes), down(n, shaders.DistanceBytes)
	}
}

// put writes records of so many bytes to the host's side.
func put[T interface{ Put(b []byte) }](to mirrored, size int, list []T) {
	b := to.host.Bytes()
	for i, x := range list {
		x.Put(b[i*size:])
	}
}

// putWords is put of plain numbers.
func putWords(to mirrored, words ...uint32) {
	_, _ = binary.Encode(to.host.Bytes(), binary.LittleEndian, words) // of fixed size, and there is room
}

// putGroup writes what is asked of a group, how far it is, and what is read of it.
func (x *exchange) putGroup(g int, rule shaders.ExitRule, progress shaders.Progress, readout shaders.Readout) {
	if !x.readouts.host.IsZero() {
		readout.Put(x.readouts.host.Bytes()[g*shaders.ReadoutBytes:])
	}
	rule.Put(x.rules.host.Bytes()[g*shaders.RuleBytes:])
	progress.Put(x.progress.host.Bytes()[g*shaders.ProgressBytes:])
}

// putGiven writes the initial state that the caller gives for a position, as row i of a pass.
func (s *scheduler) putGiven(seq, pos, i int) (err error) {
	t, host := s.buf.Given, &s.io.states.host
	if host.IsZero() {
		if *host, err = s.mem.Up.Alloc(t.Span.Size()); err != nil {
			return err
		}
		clear(host.Bytes())
	}
	copy(host.Bytes()[i*t.Stride*4:], weights.FloatBytes(s.seqs[seq].setting.States(pos)))
	return nil
}
