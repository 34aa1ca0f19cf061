package shaders

import (
	"fmt"
	"slices"

	"muninn/vk"
)

// Recorder writes a program as a list of operations. The first error sticks and comes out of End, so that
// the list reads without checks in between.
type Recorder struct {
	k     *Kernels
	prog  *vk.Program
	err   error
	taps  []Tap
	tap   *vk.Arena // where taps copy to; nil: taps are not taken
	live  *Live     // dispatches go by the rows still live; nil: by those recorded
	whole bool      // by whether any is
	half  vk.Span   // room for rows in half precision; zero: none
}

// Tap is a tensor copied out at a named point of a program.
type Tap struct {
	Name string
	Tensor
}

// Record starts a program.
func (k *Kernels) Record(name string) *Recorder {
	return &Recorder{k: k, prog: k.dev.NewProgram(name)}
}

// KeepTaps makes Tap copy tensors into the arena, which must be of kind vk.Readback.
func (r *Recorder) KeepTaps(a *vk.Arena) { r.tap = a }

// Profile makes the program carry timestamps of its own: Program.Took tells what a run took on the device.
func (r *Recorder) Profile() { r.prog.Profile() }

// Tap names a tensor at this point of the program. It records nothing unless taps are kept.
func (r *Recorder) Tap(name string, t Tensor) {
	if r.tap == nil || r.err != nil {
		return
	}
	s, err := r.tap.Alloc(t.Span.Size())
	if err != nil {
		r.fail(err)
		return
	}
	r.prog.Copy(s, t.Span)
	t.Span = s
	r.taps = append(r.taps, Tap{name, t})
}

// Taps are the tensors tapped so far.
func (r *Recorder) Taps() []Tap { return r.taps }

// Copy copies src to dst; the spans have the same size.
func (r *Recorder) Copy(dst, src vk.Span) {
	if r.err == nil {
		r.prog.Copy(dst, src)
	}
}

// End closes the program, which can then be run any number of times.
func (r *Recorder) End() (*vk.Program, error) {
	if r.err == nil {
		r.err = r.prog.End()
	}
	if r.err != nil {
		r.prog.Free()
		return nil, r.err
	}
	return r.prog, nil
}

// Drop gives up a program that was not ended.
func (r *Recorder) Drop() { r.prog.Free() }

// Kernels are the names of the kernels that are dispatched so far, in order.
func (r *Recorder) Kernels() []string { return r.prog.Kernels() }

// Dispatched are the kernels of programs that are being recorded.
func Dispatched(list ...*Recorder) (kernels []*vk.Kernel) {
	for _, r := range list {
		for _, k := range r.prog.Dispatched() {
			if !slices.Contains(kernels, k) {
				kernels = append(kernels, k)
			}
		}
	}
	return kernels
}

func (r *Recorder) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// check fails the recording unless ok: a shape that does not fit is a bug of the caller. Nothing is dispatched from there on.
func (r *Recorder) check(ok bool, format string, args ...any) bool {
	if !ok {
		r.fail(fmt.Errorf("shaders: "+format, args...))
	}
	return r.err == nil
}

func (r *Recorder) dispatch(name string, push any, g grid, cost vk.Cost, bind ...vk.Span) {
	r.dispatchSpec(name, nil, push, g, cost, bind...)
}

// dispatchSpec dispatches a kernel with specialization constants.
func (r *Recorder) dispatchSpec(name string, spec []uint32, push any, g grid, cost vk.Cost, bind ...vk.Span) {
	if r.err != nil {
		return
	}
	kernel, err := r.k.get(name, spec)
	if err != nil {
		r.fail(err)
		return
	}
	if r.live == nil || !r.live.takes(g, r.whole) {
		r.prog.Dispatch(kernel, push, g.groups, cost, bind...)
		return
	}
	args, err := r.live.args(g, r.whole)
	if err != nil {
		r.fail(err)
		return
	}
	r.prog.DispatchIndirect(kernel, push, args, cost, bind...)
}
