package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"muninn/shaders"
	"muninn/vk"
)

// programKey names a recorded program: which part of a pass, and for how many rows. Programs are recorded at first
// use and replayed, so that decoding records nothing after its first token. Parts are small, so that what varies for itself is
// not recorded in every combination.
type programKey struct {
	part           string
	rows           int    // begin, enter, step, retire, watch, check, finish: of the pass
	given          bool   // begin: the caller gives initial states
	carried        int    // begin: rows that start from a state after ln_f
	mixed          bool   // begin: rows start from slots that others mix into
	follow         bool   // enter, step: dispatches follow the live rows
	noise          bool   // step: noise is mixed into states
	gate           bool   // step: the exit gate runs
	read           bool   // enter, step, finish, pick: other states than the last are read
	retire         bool   // step: it retires what it comes to, no criterion has to come before
	alone          bool   // check, criterion, leave: of one task
	logitCriterion string // criterion: the kernel of the criterion
	criterion      uint32 // criterion: its id
	outputs        int    // watch, check, criterion, head, pick: rows with logits
	every          bool   // head: all rows have them
	group          int    // leave alone: whose progress
	pairs          int    // compare: states
	sampled        bool   // pick: not every output is greedy
	edges          bool   // pick: a filter has an edge that is looked for
	edited         bool   // pick: logits are edited
	likely         bool   // pick: the likeliest tokens are wanted
}

// maxPrograms bounds the programs kept: prompts of ever new lengths must not pile up recordings.
const maxPrograms = 1024

// keptProgram is a recorded program and the iteration that last used it.
type keptProgram struct {
	*vk.Program
	used uint64
}

// recordings keep a session's recorded programs, and run them.
type recordings struct {
	*onDevice
	m          *Model
	opt        SessionOptions
	programs   map[programKey]*keptProgram
	iterations uint64
	cut        bool // the last run has not come to its end

	behind sync.WaitGroup // compiles what is next, until stop is called
	stop   func()         // nil: nothing has been yet
}

func (r *recordings) free() {
	if r.stop != nil {
		r.stop()
		r.behind.Wait()
	}
	for _, p := range r.programs {
		p.Free()
	}
	r.programs = nil
}

// all are the programs of keys. The kernels of those that are new are compiled together.
func (r *recordings) all(keys []programKey) ([]*vk.Program, error) {
	fresh := r.fresh(keys)
	list := slices.Collect(maps.Values(fresh))
	err := r.m.dev.Build(shaders.Dispatched(list...)...)
	for k, rec := range fresh {
		if err != nil {
			rec.Drop()
		} else if prog, failed := rec.End(); failed != nil {
			err = failed
		} else {
			r.programs[k] = &keptProgram{Program: prog}
		}
	}
	progs := make([]*vk.Program, len(keys))
	for i, k := range keys {
		if err != nil {
			return nil, err
		}
		r.programs[k].used = r.iterations
		progs[i] = r.programs[k].Program
	}
	return progs, err
}

// fresh records the programs of keys that there are not yet.
func (r *recordings) fresh(keys []programKey) map[programKey]*shaders.Recorder {
	recs := map[programKey]*shaders.Recorder{}
	for _, k := range keys {
		if r.programs[k] == nil && recs[k] == nil {
			recs[k] = r.record(r.m.kernels.Record(k.name()), k)
		}
	}
	return recs
}

// ahead compiles, while the device is busy with a session's first prompt of those keys, what the tokens after it take.
func (r *recordings) ahead(keys []programKey) {
	i := slices.IndexFunc(keys, func(k programKey) bool { return k.part == "head" && !k.every })
	if r.stop != nil || i < 0 {
		return
	}
	next := slices.Clone(keys)
	for j := range next {
		next[j].rows, next[j].every = min(next[j].rows, keys[i].outputs), next[j].part == "head"
	}
	recs := slices.Collect(maps.Values(r.fresh(next)))
	kernels := shaders.Dispatched(recs...)
	for _, rec := range recs {
		rec.Drop()
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.behind.Go(func() { r.m.dev.BuildAhead(ctx, kernels...) })
}

// tidy drops the programs that were not used for longest when there are too many, half of them. It may only be called between
// runs.
func (r *recordings) tidy() {
	r.iterations++
	oldest := r.iterations // of those that stay
	switch {
	case r.live.Full(): // programs hold on to its shapes: all have to go
	case len(r.programs) > maxPrograms:
		var used []uint64
		for _, p := range r.programs {
			used = append(used, p.used)
		}
		slices.Sort(used)
		oldest = used[len(used)/2]
	default:
		return
	}
	for k, p := range r.programs {
		if p.used < oldest {
			p.Free()
			delete(r.programs, k)
		}
	}
	if len(r.programs) == 0 {
		r.live.Reset()
	}
}

func (k programKey) name() string { return fmt.Sprintf("%s of %d rows", k.part, k.rows) }

// rows are the first rows of a row table.
func (x mirrored) rows(n int) shaders.Rows {
	return shaders.Rows{Span: x.dev.Slice(0, uint64(n)*shaders.RowBytes), N: n}
}

// record writes one program of a pass.
func (r *recordings) record(rec *shaders.Recorder, key programKey) *shaders.Recorder {
	x := &r.io
	rec.Halves(r.half)
	p := r.pass(rec, key.rows, key.outputs)
	upload := func(x mirrored, n, size int) vk.Span {
		dev := x.dev.Slice(0, uint64(n*size))
		rec.Copy(dev, x.host.Slice(0, dev.Size()))
		return dev
	}
	table := func(x mirrored) shaders.Rows {
		upload(x, key.rows, shaders.RowBytes)
		return x.rows(key.rows)
	}
	switch key.part {
	case "begin":
		p.rows = table(x.begin)
		if key.given {
			upload(x.states, p.Given.Rows, p.Given.Stride*4)
		}
		var carry vk.Span
		if key.carried > 0 {
			carry = upload(x.carry, key.carried, shaders.MoveBytes)
		}
		p.begin(carry, key.mixed)
	case "enter": // the rows that take core steps, and what is asked of them
		rows := table(x.live)
		upload(x.rules, r.groups.N, shaders.RuleBytes)
		upload(x.progress, r.groups.N, shaders.ProgressBytes)
		if key.read {
			upload(x.readouts, r.groups.N, shaders.ReadoutBytes)
		}
		if key.follow {
			rec.Arm(r.groups, rows, r.live)
		}
	case "watch": // those of them whose criterion looks at logits
		table(x.check)
		upload(x.last, key.outputs, shaders.MoveBytes)
		upload(x.group, key.outputs, 4)
	case "step":
		p.rows = x.live.rows(key.rows)
		if key.follow {
			rec.Follow(r.live, false)
		}
		p.coreStep(key.noise)
		if key.gate {
			var readouts vk.Span
			if key.read {
				readouts = x.readouts.dev
			}
			p.exits(readouts)
		}
		if key.retire {
			rec.Retire(r.groups, p.rows, r.live)
		}
	case "check": // states to logits on the way; one task alone follows its rows, and costs nothing once it has settled
		p.rows = x.check.rows(key.rows)
		if key.alone {
			p.rows = x.live.rows(key.rows)
			rec.Follow(r.live, false)
		}
		p.finish(false)
		if key.alone {
			rec.Follow(r.live, true)
		}
		p.head(x.last.dev.Slice(0, uint64(key.outputs)*shaders.MoveBytes))
	case "criterion":
		if key.alone {
			rec.Follow(r.live, true)
		}
		rec.LogitCriterion(key.logitCriterion, key.criterion, p.Logits, x.group.dev.Slice(0, uint64(key.outputs)*4), r.groups, r.buf.Previous)
	case "retire":
		rec.Retire(r.groups, x.live.rows(key.rows), r.live)
	case "leave": // how far the groups are
		at, n := uint64(0), uint64(r.groups.N)*shaders.ProgressBytes
		if key.alone {
			at, n = uint64(key.group)*shaders.ProgressBytes, shaders.ProgressBytes
		}
		rec.Copy(x.reached.host.Slice(at, n), x.reached.dev.Slice(at, n))
	case "compare":
		pairs := upload(x.pairs, key.pairs, shaders.PairBytes)
		distances := x.distances.dev.Slice(0, uint64(key.pairs)*shaders.DistanceBytes)
		rec.Compare(distances, p.State, p.Older, p.Kept, pairs)
		rec.Copy(x.distances.host.Slice(0, distances.Size()), distances)
	case "finish":
		p.rows = table(x.finish)
		p.finish(key.read)
	case "head":
		var outputs vk.Span
		p.buffers = r.buf.first(r.opt.Rows, key.outputs) // outputs may be any rows
		if key.every {
			p.buffers = r.buf.first(key.outputs, key.outputs)
		} else {
			outputs = upload(x.outputs, key.outputs, shaders.MoveBytes)
		}
		p.head(outputs)
	case "pick":
		r.recordPick(p, key, upload)
	}
	return rec
}

// pass is the lists' view of the session for so many rows and outputs.
func (r *recordings) pass(rec *shaders.Recorder, rows, outputs int) *pass {
	return &pass{
		Model: r.m, buffers: r.buf.first(rows, outputs), rec: rec, context: r.opt.Context, groups: r.groups, arrived: r.arrived,
		attention: r.attention, rope: r.rope, prelude: r.prelude, core: r.core, coda: r.coda,
	}
}

// recordPick goes from logits to choices, and brings the choices back.
func (r *recordings) recordPick(p *pass, key programKey, upload func(x mirrored, n, size int) vk.Span) {
	x, n := &r.io, uint64(key.outputs)
	var edits, count vk.Span
	if key.edited {
		edits, count = upload(x.edits, int(x.edits.dev.Size()), 1), upload(x.count, 1, 4)
		p.rec.Edit(p.Logits, edits, count)
	}
	choices, given := x.choices.dev.Slice(0, n*shaders.ChoiceBytes), upload(x.given, key.outputs, 4)
	p.rec.Argmax(choices, p.Logits, given, r.picking)
	if key.sampled {
		p.rec.Sample(choices, p.Logits, upload(x.filters, key.outputs, shaders.FilterBytes), r.picking, key.edges)
	}
	p.rec.Copy(x.choices.host.Slice(0, choices.Size()), choices)
	if key.edited {
		p.rec.Undo(p.Logits, edits, count)
	}
	if key.likely {
		likely := x.likely.dev.Slice(0, n*shaders.LikelyBytes)
		p.rec.TopK(likely, choices, p.Logits, given, upload(x.wanted, key.outputs, 4), r.picking)
		p.rec.Copy(x.likely.host.Slice(0, likely.Size()), likely)
	}
	if key.read {
		p.rec.Copy(x.gates.host, x.gates.dev)
	}
}

// run runs programs of the session. One that was cut short within an operation has left its counters as they were.
func (r *recordings) run(ctx context.Context, progress func(done, total int), list ...*vk.Program) error {
	if r.cut {
		for _, counters := range []vk.Span{r.arrived, r.attention.Arrived, r.picking.Arrived, r.picking.Bins, r.buf.Hidden.Int8} {
			if err := r.m.dev.Fill(counters, 0); err != nil {
				return err
			}
		}
	}
	r.cut = true // by a bug in progress, too
	err := r.m.dev.Run(ctx, vk.RunOptions{PerSubmit: r.opt.StepsPerSubmit, Progress: progress}, list...)
	r.cut = err != nil
	return err
}
