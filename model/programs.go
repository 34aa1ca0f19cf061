package model

import (
	"context"
	"fmt"

	"muninn/shaders"
	"muninn/vk"
)

// programKey names a recorded program: which part of a pass, and for how many rows. Programs are recorded at first
// use and replayed, so that decoding records nothing after its first token.
type programKey struct {
	part    string // begin, step or finish
	rows    int
	given   bool // begin: the caller gives initial states
	outputs int  // finish: rows with logits
	carried int  // finish: states kept for continuous compute
	sampled bool // finish: not every output is greedy
	edited  bool // finish: logits are edited
}

// maxPrograms bounds the programs kept: prompts of ever new lengths must not pile up recordings.
const maxPrograms = 64

// programsOf lists the programs of a pass in order: begin, the core step as often as asked, finish.
func (s *Session) programsOf(key programKey, steps int) ([]*vk.Program, error) {
	if len(s.programs) > maxPrograms-3 {
		for k, p := range s.programs {
			p.Free()
			delete(s.programs, k)
		}
	}
	var list []*vk.Program
	for _, k := range passKeys(key) {
		if s.programs[k] == nil {
			p, err := s.record(s.m.kernels.Record(k.name()), k).End()
			if err != nil {
				return nil, err
			}
			s.programs[k] = p
		}
		n := 1
		if k.part == "step" {
			n = steps
		}
		for range n {
			list = append(list, s.programs[k])
		}
	}
	return list, nil
}

// passKeys are the keys of a pass's three programs; what does not matter to a part is left out of its key.
func passKeys(k programKey) [3]programKey {
	begin := programKey{part: "begin", rows: k.rows, given: k.given}
	step := programKey{part: "step", rows: k.rows}
	k.part, k.given = "finish", false
	return [3]programKey{begin, step, k}
}

func (k programKey) name() string { return fmt.Sprintf("%s of %d rows", k.part, k.rows) }

// record writes one program of a pass.
func (s *Session) record(rec *shaders.Recorder, key programKey) *shaders.Recorder {
	x := &s.io
	p := pass{
		Model: s.m, buffers: s.buf.first(key.rows, key.outputs), rec: rec, context: s.opt.Context, arrived: s.arrived, attention: s.attention,
		rows:    shaders.Rows{Span: x.rows.Slice(0, uint64(key.rows)*shaders.RowBytes), N: key.rows},
		prelude: s.prelude, core: s.core, coda: s.coda,
	}
	upload := func(dst, src vk.Span, n int) { rec.Copy(dst.Slice(0, uint64(n)), src.Slice(0, uint64(n))) }
	switch key.part {
	case "begin":
		upload(x.rows, x.rowsUp, key.rows*shaders.RowBytes)
		if key.given {
			upload(p.Given.Span, x.givenUp, int(p.Given.Span.Size()))
		}
		p.begin()
	case "step":
		p.coreStep()
	case "finish":
		var outputs, carry vk.Span
		if key.outputs > 0 {
			upload(x.outputs, x.outputsUp, key.outputs*shaders.MoveBytes)
			outputs = x.outputs.Slice(0, uint64(key.outputs)*shaders.MoveBytes)
		}
		if key.carried > 0 {
			upload(x.carry, x.carryUp, key.carried*shaders.MoveBytes)
			carry = x.carry.Slice(0, uint64(key.carried)*shaders.MoveBytes)
		}
		p.finish(outputs, carry)
		if key.outputs > 0 {
			s.recordPick(&p, key, upload)
		}
	}
	return rec
}

// recordPick goes from logits to choices, and brings the choices back.
func (s *Session) recordPick(p *pass, key programKey, upload func(dst, src vk.Span, n int)) {
	x, n := &s.io, uint64(key.outputs)
	if key.edited {
		upload(x.edits, x.editsUp, int(x.edits.Size()))
		upload(x.count, x.countUp, 4)
		p.rec.Edit(p.Logits, x.edits, x.count)
	}
	choices := x.choices.Slice(0, n*shaders.ChoiceBytes)
	p.rec.Argmax(choices, p.Logits)
	if key.sampled {
		upload(x.filters, x.filtersUp, key.outputs*shaders.FilterBytes)
		p.rec.Sample(choices, p.Logits, x.filters.Slice(0, n*shaders.FilterBytes))
	}
	p.rec.Copy(x.down.Slice(0, n*shaders.ChoiceBytes), choices)
}

// tappedPass records and runs a pass part by part, and hands out the tensors named on the way. A core step's taps
// are named after its number, from 1.
func (s *Session) tappedPass(ctx context.Context, key programKey, steps int) error {
	keys := passKeys(key)
	parts := []programKey{keys[0]}
	for range steps {
		parts = append(parts, keys[1])
	}
	for i, k := range append(parts, keys[2]) {
		if err := s.tappedPart(ctx, k, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) tappedPart(ctx context.Context, k programKey, step int) error {
	arena := s.m.dev.NewArena("taps", vk.Readback)
	defer arena.Free()
	rec := s.m.kernels.Record(k.name())
	rec.KeepTaps(arena)
	prog, err := s.record(rec, k).End()
	if err != nil {
		return err
	}
	defer prog.Free()
	if err := s.m.dev.Run(ctx, vk.RunOptions{}, prog); err != nil {
		return err
	}
	for _, t := range rec.Taps() {
		name := t.Name
		if k.part == "step" {
			if name == "state" {
				name = fmt.Sprintf("state.r%d", step)
			} else {
				name = fmt.Sprintf("step%d.%s", step, name)
			}
		}
		s.opt.Taps(name, tensorRows(t.Tensor, t.Span.Bytes()))
	}
	return nil
}
