package model

import (
	"fmt"
	"strings"

	"muninn/shaders"
	"muninn/vk"
)

// programKey names a recorded program: which part of a pass, and for how many rows. Programs are recorded at first
// use and replayed, so that decoding records nothing after its first token.
type programKey struct {
	part     string // begin, enter, step, finish or leave
	rows     int
	given    bool   // begin: the caller gives initial states
	carried  int    // begin: rows that start from a state after ln_f
	alone    bool   // enter, step with probes, leave: of one ask
	group    int    // leave alone: whose
	follow   bool   // enter, step: dispatches follow the live rows
	noise    bool   // step: noise is mixed into states
	probes   string // step: criteria on logits that are checked at its end, by their kernels
	checked  int    // enter, step with probes: rows of asks with such criteria
	checks   int    // enter, step with probes: such asks
	outputs  int    // finish: rows with logits
	compared int    // finish: states to compare
	sampled  bool   // finish: not every output is greedy
	edited   bool   // finish: logits are edited
}

// maxPrograms bounds the programs kept: prompts of ever new lengths must not pile up recordings.
const maxPrograms = 256

// program is the program of a key, recorded at first use.
func (s *Session) program(k programKey) (*vk.Program, error) {
	if p := s.programs[k]; p != nil {
		return p, nil
	}
	p, err := s.record(s.m.kernels.Record(k.name()), k).End()
	if err == nil {
		s.programs[k] = p
	}
	return p, err
}

// tidy drops all programs when there are too many of them. It may only be called between runs.
func (s *Session) tidy() {
	if len(s.programs) < maxPrograms && !s.live.Full() {
		return
	}
	for k, p := range s.programs {
		p.Free()
		delete(s.programs, k)
	}
	s.live.Reset()
}

func (k programKey) name() string { return fmt.Sprintf("%s of %d rows", k.part, k.rows) }

func (t rowTable) rows(n int) shaders.Rows {
	return shaders.Rows{Span: t.dev.Slice(0, uint64(n)*shaders.RowBytes), N: n}
}

// record writes one program of a pass.
func (s *Session) record(rec *shaders.Recorder, key programKey) *shaders.Recorder {
	x := &s.io
	upload := func(dst, src vk.Span, n int) { rec.Copy(dst.Slice(0, uint64(n)), src.Slice(0, uint64(n))) }
	table := func(t rowTable, n int) shaders.Rows {
		upload(t.dev, t.up, n*shaders.RowBytes)
		return t.rows(n)
	}
	p := s.pass(rec, key.rows, key.outputs)
	switch key.part {
	case "begin":
		p.rows = table(x.begin, key.rows)
		if key.given {
			upload(p.Given.Span, x.givenUp, int(p.Given.Span.Size()))
		}
		var carry vk.Span
		if key.carried > 0 {
			upload(x.carry, x.carryUp, key.carried*shaders.MoveBytes)
			carry = x.carry.Slice(0, uint64(key.carried)*shaders.MoveBytes)
		}
		p.begin(carry)
	case "enter":
		rows := table(x.live, key.rows)
		upload(s.groups.Rules, x.rulesUp, s.groups.N*shaders.RuleBytes)
		upload(s.groups.Progress, x.progressUp, s.groups.N*shaders.ProgressBytes)
		if key.checks > 0 {
			table(x.check, key.checked)
			upload(x.last, x.lastUp, key.checks*shaders.MoveBytes)
			upload(x.group, x.groupUp, key.checks*4)
		}
		if key.follow {
			rec.Arm(s.groups, rows, s.live)
		}
	case "step":
		p.rows = x.live.rows(key.rows)
		if key.follow {
			p.live = s.live
			rec.Follow(s.live, false)
		}
		p.coreStep(key.noise)
		if key.probes != "" {
			s.recordCheck(rec, key)
		}
		if key.follow {
			rec.Follow(nil, false)
			rec.Settle(s.groups, p.rows, s.live)
		}
	case "finish":
		p.rows = table(x.finish, key.rows)
		if key.compared > 0 {
			upload(x.pairs, x.pairsUp, key.compared*shaders.PairBytes)
			n := uint64(key.compared)
			distances := x.distances.Slice(0, n*shaders.DistanceBytes)
			rec.Compare(distances, p.State, p.Older, p.Kept, x.pairs.Slice(0, n*shaders.PairBytes))
			rec.Copy(x.distancesDown.Slice(0, n*shaders.DistanceBytes), distances)
		}
		var outputs vk.Span
		if key.outputs > 0 {
			upload(x.outputs, x.outputsUp, key.outputs*shaders.MoveBytes)
			outputs = x.outputs.Slice(0, uint64(key.outputs)*shaders.MoveBytes)
		}
		p.finish(outputs)
		if key.outputs > 0 {
			s.recordPick(p, key, upload)
		}
	case "leave":
		at, n := uint64(0), uint64(s.groups.N)*shaders.ProgressBytes
		if key.alone {
			at, n = uint64(key.group)*shaders.ProgressBytes, shaders.ProgressBytes
		}
		rec.Copy(x.progressDown.Slice(at, n), s.groups.Progress.Slice(at, n))
	}
	return rec
}

// pass is the lists' view of the session for so many rows and outputs.
func (s *Session) pass(rec *shaders.Recorder, rows, outputs int) *pass {
	return &pass{
		Model: s.m, buffers: s.buf.first(rows, outputs), rec: rec, context: s.opt.Context, groups: s.groups, arrived: s.arrived,
		attention: s.attention, prelude: s.prelude, core: s.core, coda: s.coda,
	}
}

// recordCheck goes from states to logits for the asks whose criteria look at those, and measures them. One ask alone follows
// its live rows, and costs nothing once it has settled; of several, the rows to check are in a table of their own.
func (s *Session) recordCheck(rec *shaders.Recorder, key programKey) {
	x := &s.io
	p := s.pass(rec, key.checked, key.checks)
	rec.Follow(nil, false)
	p.rows = x.check.rows(key.checked)
	if key.alone {
		p.rows, p.live = x.live.rows(key.rows), s.live
		rec.Follow(s.live, false)
	}
	n := uint64(key.checks)
	p.finish(x.last.Slice(0, n*shaders.MoveBytes))
	rec.Follow(p.live, true)
	for i, c := range criteria {
		if c.probe != "" && strings.Contains(key.probes, c.probe+";") {
			rec.Probe(c.probe, uint32(i+1), p.Logits, x.group.Slice(0, n*4), s.groups, s.buf.Previous)
		}
	}
	rec.Follow(nil, false)
}

// recordPick goes from logits to choices, and brings the choices back.
func (s *Session) recordPick(p *pass, key programKey, upload func(dst, src vk.Span, n int)) {
	x, n := &s.io, uint64(key.outputs)
	if key.edited {
		upload(x.edits, x.editsUp, int(x.edits.Size()))
		upload(x.count, x.countUp, 4)
		p.rec.Edit(p.Logits, x.edits, x.count)
	}
	upload(x.givenTokens, x.givenTokensUp, key.outputs*4)
	choices := x.choices.Slice(0, n*shaders.ChoiceBytes)
	p.rec.Argmax(choices, p.Logits, x.givenTokens.Slice(0, n*4))
	if key.sampled {
		upload(x.filters, x.filtersUp, key.outputs*shaders.FilterBytes)
		p.rec.Sample(choices, p.Logits, x.filters.Slice(0, n*shaders.FilterBytes))
	}
	p.rec.Copy(x.down.Slice(0, n*shaders.ChoiceBytes), choices)
}
