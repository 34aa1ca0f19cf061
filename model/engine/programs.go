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
