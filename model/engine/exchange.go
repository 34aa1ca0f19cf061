package engine

import (
	"encoding/binary"

	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// exchange is what host and device hand each other at a pass, in mapped memory, and its copies on the device: row
// table and picks go up, choices come down.
type exchange struct {
	begin              rowTable // rows to embed
	live               rowTable // rows that take core steps
	check              rowTable // rows of tasks whose criterion looks at logits
	finish             rowTable // rows that leave the core
	outputsUp, outputs vk.Span  // (Outputs) shaders.Move: rows whose logits are wanted
	carryUp, carry     vk.Span  // (Sequences) shaders.Move: slots of states that rows start from after ln_f
	lastUp, last       vk.Span  // (Sequences) shaders.Move: last rows of check
	groupUp, group     vk.Span  // (Sequences) uint32: groups of these
	rulesUp            vk.Span  // (Sequences) shaders.ExitRule
	progressUp         vk.Span  // (Sequences) shaders.Progress
	pairsUp, pairs     vk.Span  // (Sequences x Compares) shaders.Pair
	givenTokensUp      vk.Span  // (Outputs) uint32: tokens whose distance to the largest logit is wanted
	givenTokens        vk.Span
	filtersUp, filters vk.Span // (Outputs) shaders.Filter
	editsUp, edits     vk.Span // (maxEdits) shaders.Edit
	countUp, count     vk.Span // [1] uint32: edits in use
	givenUp            vk.Span // (Rows, d) initial states from the caller; allocated at first use
	choices, down      vk.Span // (Outputs) shaders.Choice
	progressDown       vk.Span // (Sequences) shaders.Progress
	distances          vk.Span // (Sequences x Compares) shaders.Distance
	distancesDown      vk.Span
}

// rowTable is a table of rows on its way to the device, and there.
type rowTable struct{ up, dev vk.Span }

// allocate takes the memory of both sides, for up to edits edits of a row's logits.
func (x *exchange) allocate(m *weights.Memory, o SessionOptions, edits int) {
	compares := o.Sequences * o.Compares
	type pair struct {
		host, dev *vk.Span
		n         int
	}
	up := []pair{
		{&x.begin.up, &x.begin.dev, o.Rows * shaders.RowBytes},
		{&x.live.up, &x.live.dev, o.Rows * shaders.RowBytes},
		{&x.check.up, &x.check.dev, o.Rows * shaders.RowBytes},
		{&x.finish.up, &x.finish.dev, o.Rows * shaders.RowBytes},
		{&x.outputsUp, &x.outputs, o.Outputs * shaders.MoveBytes},
		{&x.carryUp, &x.carry, o.Sequences * shaders.MoveBytes},
		{&x.lastUp, &x.last, o.Sequences * shaders.MoveBytes},
		{&x.groupUp, &x.group, o.Sequences * 4},
		{&x.rulesUp, nil, o.Sequences * shaders.RuleBytes},
		{&x.progressUp, nil, o.Sequences * shaders.ProgressBytes},
		{&x.givenTokensUp, &x.givenTokens, o.Outputs * 4},
		{&x.filtersUp, &x.filters, o.Outputs * shaders.FilterBytes},
		{&x.editsUp, &x.edits, o.Outputs * edits * shaders.EditBytes},
		{&x.countUp, &x.count, 4},
	}
	down := []pair{
		{&x.down, &x.choices, o.Outputs * shaders.ChoiceBytes},
		{&x.progressDown, nil, o.Sequences * shaders.ProgressBytes},
	}
	if compares > 0 {
		up = append(up, pair{&x.pairsUp, &x.pairs, compares * shaders.PairBytes})
		down = append(down, pair{&x.distancesDown, &x.distances, compares * shaders.DistanceBytes})
	}
	for i, p := range append(up, down...) {
		arena := m.Up
		if i >= len(up) {
			arena = m.Down
		}
		*p.host = m.Take(arena, uint64(p.n))
		if p.dev != nil {
			*p.dev = m.Span(uint64(p.n))
		}
	}
}

// putRows writes a row table.
func (x *exchange) putRows(t rowTable, rows []shaders.Row) {
	b := t.up.Bytes()
	for i, r := range rows {
		r.Put(b[i*shaders.RowBytes:])
	}
}

// putGroup writes what is asked of a group, and how far it is.
func (x *exchange) putGroup(g int, rule shaders.ExitRule, progress shaders.Progress) {
	rule.Put(x.rulesUp.Bytes()[g*shaders.RuleBytes:])
	progress.Put(x.progressUp.Bytes()[g*shaders.ProgressBytes:])
}

// putChecks writes which rows of check are the last of their groups.
func (x *exchange) putChecks(last, groups []uint32) {
	var moves []shaders.Move
	for i, row := range last {
		moves = append(moves, shaders.Move{From: row, To: uint32(i)})
	}
	x.putMoves(x.lastUp, moves)
	x.putWords(x.groupUp, groups)
}

func (x *exchange) putWords(up vk.Span, words []uint32) {
	b := up.Bytes()
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
}

func (x *exchange) putPairs(pairs []shaders.Pair) {
	for i, p := range pairs {
		p.Put(x.pairsUp.Bytes()[i*shaders.PairBytes:])
	}
}

func (x *exchange) putMoves(up vk.Span, moves []shaders.Move) {
	b := up.Bytes()
	for i, m := range moves {
		binary.LittleEndian.PutUint32(b[i*shaders.MoveBytes:], m.From)
		binary.LittleEndian.PutUint32(b[i*shaders.MoveBytes+4:], m.To)
	}
}

func (x *exchange) putFilters(filters []shaders.Filter) {
	b := x.filtersUp.Bytes()
	for i, f := range filters {
		f.Put(b[i*shaders.FilterBytes:])
	}
}

func (x *exchange) putEdits(edits []shaders.Edit) {
	b := x.editsUp.Bytes()
	for i, e := range edits {
		e.Put(b[i*shaders.EditBytes:])
	}
	binary.LittleEndian.PutUint32(x.countUp.Bytes(), uint32(len(edits)))
}

// putState writes the initial state that the caller gives for row i.
func (x *exchange) putState(s *scheduler, i int, state []float32) error {
	t := s.buf.Given
	if x.givenUp.IsZero() {
		var err error
		if x.givenUp, err = s.mem.Up.Alloc(t.Span.Size()); err != nil {
			return err
		}
		clear(x.givenUp.Bytes())
	}
	copy(x.givenUp.Bytes()[i*t.Stride*4:], weights.FloatBytes(state))
	return nil
}

// progressOf is how far a group is after a run.
func (x *exchange) progressOf(g int) shaders.Progress {
	return shaders.DecodeProgress(x.progressDown.Bytes()[g*shaders.ProgressBytes:])
}

func (x *exchange) distance(i int) shaders.Distance {
	return shaders.DecodeDistance(x.distancesDown.Bytes()[i*shaders.DistanceBytes:])
}

func (x *exchange) choice(i int) shaders.Choice {
	return shaders.DecodeChoice(x.down.Bytes()[i*shaders.ChoiceBytes:])
}
