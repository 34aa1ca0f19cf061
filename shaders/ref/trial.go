package ref

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"muninn/shaders"
	"muninn/vk"
)

// trial is the running of one case: operands on the device, then the operation once for each set of kernels.
type trial struct {
	ctx      context.Context
	dev      *vk.Device
	choices  []shaders.Options
	kernels  []*shaders.Kernels // of each choice
	vecRows  int                // the choices' largest
	c        Case
	arena    *vk.Arena
	operands []*operand
	seen     map[string]bool // sets of kernels that have run
	ran      map[string]bool // kernels in order that have run, in any case; nil: they may again
	running  func(kernels string)
	results  []Result
	err      error // the first error while operands are made

	// vectorsOnly leaves out choices of kernels that take several rows otherwise than as GEMV.
	vectorsOnly bool
	// needs, where it is given, leaves out kernels that cannot run the case.
	needs func(*shaders.Kernels) bool
	// half is room for rows in half precision.
	half vk.Span
}

func (t *trial) fail(err error) {
	if t.err == nil && err != nil {
		t.err = err
	}
}

// check records the operation with each choice of kernels, runs those that give a set of kernels not run before, and
// has the operands compared.
func (t *trial) check(record func(*shaders.Recorder), compare ...func(*verdict)) {
	for i, k := range t.kernels {
		if t.err != nil && len(t.results) > 0 {
			return // every choice would report the same
		}
		if t.vectorsOnly && t.choices[i].VecRows < t.vecRows || t.needs != nil && !t.needs(k) {
			continue
		}
		if r, ok := t.once(k, record, compare); ok {
			t.results = append(t.results, r)
		}
	}
}

// once runs the operation with one choice of kernels; false when that set of kernels has run already.
func (t *trial) once(k *shaders.Kernels, record func(*shaders.Recorder), compare []func(*verdict)) (Result, bool) {
	r := Result{Op: t.c.Op, Case: t.c.Name, Limit: t.c.Limit}
	if r.Err = t.err; r.Err != nil {
		return r, true
	}
	rec := k.Record("ref")
	rec.Halves(t.half)
	record(rec)
	order := strings.Join(rec.Kernels(), " ")
	r.Kernel = strings.Join(slices.Compact(slices.Sorted(slices.Values(rec.Kernels()))), " ")
	key := r.Kernel
	if strings.Contains(key, "_i8_") {
		key += " " + k.Dot.String() // what the names do not tell
	}
	if t.seen[key] { // not compiled by each choice
		rec.Drop()
		return r, false
	}
	prog, err := rec.End()
	if err != nil {
		r.Err = err
		return r, true
	}
	defer prog.Free()
	t.seen[key] = true
	if t.ran != nil {
		if t.ran[order] {
			return r, false
		}
		t.ran[order] = true
	}
	if t.running != nil {
		t.running(r.Kernel)
	}
	if r.Err = t.execute(prog); r.Err != nil {
		return r, true
	}
	v := &verdict{limit: t.c.Limit, halves: strings.Contains(r.Kernel, "_coop")}
	for _, o := range t.operands {
		v.untouched(o)
	}
	for _, f := range compare {
		f(v)
	}
	r.NMSE, r.MaxAbs, r.OK, r.Detail = v.nmse, v.maxAbs, len(v.problems) == 0, strings.Join(v.problems, "; ")
	return r, true
}

func (t *trial) execute(prog *vk.Program) error {
	for _, o := range t.operands {
		if err := t.dev.Write(o.whole, o.start); err != nil {
			return fmt.Errorf("writing %s: %w", o.name, err)
		}
	}
	if err := t.dev.Run(t.ctx, vk.RunOptions{}, prog); err != nil {
		return err
	}
	for _, o := range t.operands {
		if err := t.dev.Read(o.whole, o.now); err != nil {
			return fmt.Errorf("reading %s: %w", o.name, err)
		}
	}
	return nil
}
