package engine

import (
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/vk"
)

// programKey names a recorded program: which part of a pass, and for how many rows. Programs are recorded at first
// use and replayed, so that decoding records nothing after its first token. Parts are small, so that what varies for itself is
// not recorded in every combination.
type programKey struct {
	part           string
	rows           int    // begin, enter, step, settle, watch, check, finish: of the pass
	given          bool   // begin: the caller gives initial states
	carried        int    // begin: rows that start from a state after ln_f
	mixed          bool   // begin: rows start from slots that others mix into
	follow         bool   // enter, step: dispatches follow the live rows
	noise          bool   // step: noise is mixed into states
	retire         bool   // step: it settles what it comes to, no probe has to come before
	alone          bool   // check, probe, leave: of one ask
	logitCriterion string // probe: the kernel of the criterion
	criterion      uint32 // probe: its id
	outputs        int    // watch, check, probe, head, pick: rows with logits
	every          bool   // head: all rows have them
	group          int    // leave alone: whose progress
	pairs          int    // compare: states
	sampled        bool   // pick: not every output is greedy
	edited         bool   // pick: logits are edited
}

// maxPrograms bounds the programs kept: prompts of ever new lengths must not pile up recordings.
const maxPrograms = 1024

// keptProgram is a recorded program and the round that last used it.
type keptProgram struct {
	*vk.Program
	used uint64
}

// program is the program of a key, recorded at first use.
func (s *Session) program(k programKey) (*vk.Program, error) {
	p, ok := s.programs[k]
	if !ok {
		prog, err := s.record(s.m.kernels.Record(k.name()), k).End()
		if err != nil {
			return nil, err
		}
		p = &keptProgram{Program: prog}
		s.programs[k] = p
	}
	p.used = s.iterations
	return p.Program, nil
}

// tidy drops the programs that were not used for longest when there are too many, half of them. It may only be called between
// runs.
func (s *Session) tidy() {
	s.iterations++
	oldest := s.iterations // of those that stay
	switch {
	case s.live.Full(): // programs hold on to its shapes: all have to go
	case len(s.programs) > maxPrograms:
		var used []uint64
		for _, p := range s.programs {
			used = append(used, p.used)
		}
		slices.Sort(used)
		oldest = used[len(used)/2]
	default:
		return
	}
	for k, p := range s.programs {
		if p.used < oldest {
			p.Free()
			delete(s.programs, k)
		}
	}
	if len(s.programs) == 0 {
		s.live.Reset()
	}
}

func (k programKey) name() string { return fmt.Sprintf("%s of %d rows", k.part, k.rows) }

func (t rowTable) rows(n int) shaders.Rows {
	return shaders.Rows{Span: t.dev.Slice(0, uint64(n)*shaders.RowBytes), N: n}
}

// record writes one program of a pass.
func (s *Session) record(rec *shaders.Recorder, key programKey) *shaders.Recorder {
	x := &s.io
	p := s.pass(rec, key.rows, key.outputs)
	upload := func(dst, src vk.Span, n int) vk.Span {
		rec.Copy(dst.Slice(0, uint64(n)), src.Slice(0, uint64(n)))
		return dst.Slice(0, uint64(n))
	}
	table := func(t rowTable) shaders.Rows {
		upload(t.dev, t.up, key.rows*shaders.RowBytes)
		return t.rows(key.rows)
	}
	moves := func(dst, src vk.Span, n int) vk.Span { return upload(dst, src, n*shaders.MoveBytes) }
	switch key.part {
	case "begin":
		p.rows = table(x.begin)
		if key.given {
			upload(p.Given.Span, x.givenUp, int(p.Given.Span.Size()))
		}
		var carry vk.Span
		if key.carried > 0 {
			carry = moves(x.carry, x.carryUp, key.carried)
		}
		p.begin(carry, key.mixed)
	case "enter": // the rows that take core steps, and what is asked of them
		rows := table(x.live)
		upload(s.groups.Rules, x.rulesUp, s.groups.N*shaders.RuleBytes)
		upload(s.groups.Progress, x.progressUp, s.groups.N*shaders.ProgressBytes)
		if key.follow {
			rec.Arm(s.groups, rows, s.live)
		}
	case "watch": // those of them whose criterion looks at logits
		table(x.check)
		moves(x.last, x.lastUp, key.outputs)
		upload(x.group, x.groupUp, key.outputs*4)
	case "step":
		p.rows = x.live.rows(key.rows)
		if key.follow {
			rec.Follow(s.live, false)
		}
		p.coreStep(key.noise)
		if key.retire {
			rec.Settle(s.groups, p.rows, s.live)
		}
	case "check": // states to logits on the way; one ask alone follows its rows, and costs nothing once it has settled
		p.rows = x.check.rows(key.rows)
		if key.alone {
			p.rows = x.live.rows(key.rows)
			rec.Follow(s.live, false)
		}
		p.finish()
		if key.alone {
			rec.Follow(s.live, true)
		}
		p.head(x.last.Slice(0, uint64(key.outputs)*shaders.MoveBytes))
	case "probe":
		if key.alone {
			rec.Follow(s.live, true)
		}
		rec.Probe(key.logitCriterion, key.criterion, p.Logits, x.group.Slice(0, uint64(key.outputs)*4), s.groups, s.buf.Previous)
	case "settle":
		rec.Settle(s.groups, x.live.rows(key.rows), s.live)
	case "leave": // how far the groups are
		at, n := uint64(0), uint64(s.groups.N)*shaders.ProgressBytes
		if key.alone {
			at, n = uint64(key.group)*shaders.ProgressBytes, shaders.ProgressBytes
		}
		rec.Copy(x.progressDown.Slice(at, n), s.groups.Progress.Slice(at, n))
	case "compare":
		pairs := upload(x.pairs, x.pairsUp, key.pairs*shaders.PairBytes)
		distances := x.distances.Slice(0, uint64(key.pairs)*shaders.DistanceBytes)
		rec.Compare(distances, p.State, p.Older, p.Kept, pairs)
		rec.Copy(x.distancesDown.Slice(0, distances.Size()), distances)
	case "finish":
		p.rows = table(x.finish)
		p.finish()
	case "head":
		var outputs vk.Span
		p.buffers = s.buf.first(s.opt.Rows, key.outputs) // outputs may be any rows
		if key.every {
			p.buffers = s.buf.first(key.outputs, key.outputs)
		} else {
			outputs = moves(x.outputs, x.outputsUp, key.outputs)
		}
		p.head(outputs)
	case "pick":
		s.recordPick(p, key, upload)
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

// recordPick goes from logits to choices, and brings the choices back.
func (s *Session) recordPick(p *pass, key programKey, upload func(dst, src vk.Span, n int) vk.Span) {
	x, n := &s.io, uint64(key.outputs)
	if key.edited {
		upload(x.edits, x.editsUp, int(x.edits.Size()))
		upload(x.count, x.countUp, 4)
		p.rec.Edit(p.Logits, x.edits, x.count)
	}
	choices := x.choices.Slice(0, n*shaders.ChoiceBytes)
	p.rec.Argmax(choices, p.Logits, upload(x.givenTokens, x.givenTokensUp, key.outputs*4))
	if key.sampled {
		p.rec.Sample(choices, p.Logits, upload(x.filters, x.filtersUp, key.outputs*shaders.FilterBytes))
	}
	p.rec.Copy(x.down.Slice(0, n*shaders.ChoiceBytes), choices)
}
