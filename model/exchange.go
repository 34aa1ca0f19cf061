package model

import (
	"encoding/binary"
	"math"

	"muninn/shaders"
	"muninn/vk"
)

// exchange is what host and device hand each other at a pass, in mapped memory, and its copies on the device: row
// table and picks go up, choices come down.
type exchange struct {
	rowsUp, rows       vk.Span // (Rows) shaders.Row
	outputsUp, outputs vk.Span // (Outputs) shaders.Move: rows whose logits are wanted
	carryUp, carry     vk.Span // (Sequences) shaders.Move: last rows of sequences with continuous compute
	filtersUp, filters vk.Span // (Outputs) shaders.Filter
	editsUp, edits     vk.Span // (maxEdits) shaders.Edit
	countUp, count     vk.Span // [1] uint32: edits in use
	givenUp            vk.Span // (Rows, d) initial states from the caller; allocated at first use
	choices, down      vk.Span // (Outputs) shaders.Choice
}

func (x *exchange) allocate(s *Session) error {
	o := s.opt
	pairs := []struct {
		up, dev *vk.Span
		n       int
	}{
		{&x.rowsUp, &x.rows, o.Rows * shaders.RowBytes},
		{&x.outputsUp, &x.outputs, o.Outputs * shaders.MoveBytes},
		{&x.carryUp, &x.carry, o.Sequences * shaders.MoveBytes},
		{&x.filtersUp, &x.filters, o.Outputs * shaders.FilterBytes},
		{&x.editsUp, &x.edits, o.Outputs * s.m.maxEdits(o) * shaders.EditBytes},
		{&x.countUp, &x.count, 4},
	}
	var err error
	for _, p := range pairs {
		if *p.up, err = s.up.Alloc(uint64(p.n)); err != nil {
			return err
		}
		if *p.dev, err = s.arena.Alloc(uint64(p.n)); err != nil {
			return err
		}
	}
	if x.choices, err = s.arena.Alloc(uint64(o.Outputs) * shaders.ChoiceBytes); err != nil {
		return err
	}
	x.down, err = s.down.Alloc(uint64(o.Outputs) * shaders.ChoiceBytes)
	return err
}

// maxEdits bounds the logit edits of one row: a penalty touches each distinct token of the sequence once.
func (m *Model) maxEdits(o SessionOptions) int { return min(o.Context, m.Config.PaddedVocabSize) }

// putRows writes the row table. The Step of every row starts at 0.
func (x *exchange) putRows(rows []shaders.Row) {
	b, le := x.rowsUp.Bytes(), binary.LittleEndian
	for i, r := range rows {
		p := b[i*shaders.RowBytes:]
		le.PutUint32(p[0:], r.Token)
		le.PutUint32(p[4:], r.Base)
		le.PutUint32(p[8:], r.Pos)
		le.PutUint32(p[12:], r.Step)
		le.PutUint32(p[16:], r.KeyLo)
		le.PutUint32(p[20:], r.KeyHi)
		le.PutUint32(p[24:], math.Float32bits(r.Scale))
		le.PutUint32(p[28:], uint32(r.Start))
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
func (x *exchange) putState(s *Session, i int, state []float32) error {
	t := s.buf.Given
	if x.givenUp.IsZero() {
		var err error
		if x.givenUp, err = s.up.Alloc(t.Span.Size()); err != nil {
			return err
		}
		clear(x.givenUp.Bytes())
	}
	copy(x.givenUp.Bytes()[i*t.Stride*4:], floatBytes(state))
	return nil
}

func (x *exchange) choice(i int) shaders.Choice {
	return shaders.DecodeChoice(x.down.Bytes()[i*shaders.ChoiceBytes:])
}
