// Package ref checks the compiled kernels against plain Go. Each operation has one file: an oracle that works in float64
// and knows nothing of tiles, workgroups or devices, and the cases it is compared on.
//
// Inputs are rounded to the type they are stored in before both sides run, so that a limit covers arithmetic only.
// Outputs start as NaN between guard bands; after a run the guards, the inputs and the padding must be what they were.
package ref

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"muninn/shaders"
	"muninn/shaders/internal/seam"
	"muninn/vk"
)

// Case is one comparison of an operation on a device with its oracle. Its inputs depend on its name alone.
type Case struct {
	Op    string  // stem of the operation: matmul, attention ...
	Name  string  // sizes and family of inputs; unique within the operation
	Limit float64 // largest normalised mean square error of a row of output; 0: bit for bit
	Why   string  // reason of the limit
	Large bool    // a model's real size: gigabytes and seconds

	size string // of name: what inputs are drawn by
	run  func(*trial)
	cut  bool // dispatches are cut into parts, as long ones are: the driver must number the workgroups of a part right
}

// large are cases of a model's real size.
func (c Case) large() Case {
	c.Name, c.Large = "large ", true
	return c
}

// each makes a case like c of every size, named by c and the size.
func each[S any](c Case, sizes []S, run func(*trial, S)) []Case {
	list := make([]Case, len(sizes))
	for i, s := range sizes {
		c.size = fmt.Sprint(s)
		list[i] = c
		list[i].Name += c.size
		list[i].run = func(t *trial) { run(t, s) }
	}
	return list
}

// Cases are all cases, operation by operation; some of each run a second time in parts.
func Cases() []Case {
	var all []Case
	for _, list := range [][]Case{matmulCases(), matmulNormCases(), adapterCases(), swigluCases(), halvesCases(), embedCases(), rmsnormCases(), addnormCases(),
		qkvropeCases(), attentionCases(), initstateCases(), advanceCases(), exitgateCases(), moveCases(), argmaxCases(), editCases(), sampleCases(), topkCases(),
		scatterCases(), gatherCases(), compareCases(), noiseCases(), criterionCases(), retireCases(), readrooflineCases(), fmarooflineCases()} {
		all = append(all, list...)
		for i, c := range list {
			if !c.Large && i%12 == 2 {
				c.Name, c.cut = c.Name+" in parts", true
				all = append(all, c)
			}
		}
	}
	return all
}

// glacial is the speed of a device on which every workgroup is predicted to take so long that it is recorded by itself.
var glacial = vk.Speed{Read: 1, FMA: 1}

// Options choose what Run runs.
type Options struct {
	Match    string            // only cases whose "op/name" contains it
	Cases    []Case            // only these; nil: all
	Large    bool              // also the large cases
	Shaders  []shaders.Options // kernel choices to run each case with; none: DefaultShaders of the device
	Once     bool              // a case is only recorded where one before it ran the same kernels in the same order
	Progress func(Result)      // called after each result; may be nil
	// Begin is called before a case, and Kernel before a kernel is compiled and before kernels run: should the driver end the
	// process, that was it. Both may be nil.
	Begin  func(done, total int, c Case)
	Kernel func(names string)
}

// cases are those that the options leave.
func (o Options) cases() (list []Case) {
	if o.Cases != nil {
		return o.Cases
	}
	for _, c := range Cases() {
		if (o.Large || !c.Large) && strings.Contains(c.Op+"/"+c.Name, o.Match) {
			list = append(list, c)
		}
	}
	return list
}

// Result is one case run with one choice of kernels.
type Result struct {
	Op, Case string
	Kernel   string  // names of the compiled kernels that ran
	NMSE     float64 // worst row: squared error over squared reference
	Limit    float64
	MaxAbs   float64 // largest difference
	OK       bool
	Err      error  // the kernels could not be built or run
	Detail   string // what differs
}

// String is one line for a report.
func (r Result) String() string {
	verdict := "ok"
	switch {
	case r.Err != nil:
		verdict = "error: " + r.Err.Error()
	case !r.OK:
		verdict = "FAIL: " + r.Detail
	}
	return fmt.Sprintf("%s/%s [%s] nmse %.2g (limit %.2g): %s", r.Op, r.Case, r.Kernel, r.NMSE, r.Limit, verdict)
}

// DefaultShaders are the choices that together reach every kernel that the device can run: both reductions, fixed
// and specialized GEMV, texel and storage buffers, dot products of mixed signs, norms by one subgroup, by several and apart, and tiles from two rows on, of floats and on matrix units.
func DefaultShaders(dev *vk.Device) (list []shaders.Options) {
	if size, err := dev.Subgroup(); size != 0 && err == nil { // what fails here fails in the kernels as well, which say so
		subgroup := shaders.Options{Reduction: shaders.Subgroup, VecRows: mostVecRows, Vectors: shaders.Specialized, Norms: shaders.NormsInSubgroup}
		mixed, fixed := subgroup, subgroup
		mixed.Loads, mixed.Dot, mixed.Norms = shaders.StorageBuffers, shaders.MixedDot, shaders.NormsInWorkgroup
		fixed.Vectors = shaders.Fixed
		wide := mixed
		wide.GEMV = shaders.GEMV{Groups: 4, Beside: 2, WeightRows: 6, XRows: 4, Depth: 3}
		if shaders.Unrolls(dev.Caps()) {
			stored := subgroup
			stored.Loads = shaders.StorageBuffers
			stored.Measured.Settings = []shaders.Setting{{Name: "attention positions", Value: "64"}, {Name: "attention loads", Value: "8"}}
			stored.VecRows, mixed.VecRows = fewVecRows, fewVecRows
			list = append(list, subgroup, stored)
		} else {
			mixed.VecRows, wide.VecRows = 1, 1 // for more it takes gigabytes to compile
		}
		list = append(list, fixed, mixed, wide)
		for _, dot := range []shaders.Dot{shaders.SignedDot, shaders.MixedDot} {
			list = append(list, shaders.Options{Reduction: shaders.Subgroup, VecRows: 1, Activations: shaders.Int8Activations, Dot: dot})
		}
		if len(dev.Caps().Matrices) > 0 {
			list = append(list, shaders.Options{Reduction: shaders.Subgroup, VecRows: 1, Matrices: shaders.MatrixUnits})
		}
	}
	return append(list, shaders.Options{Reduction: shaders.SharedMemory, VecRows: mostVecRows},
		shaders.Options{Reduction: shaders.SharedMemory, VecRows: 1, TileResults: 8, Separate: true},
		shaders.Options{Reduction: shaders.SharedMemory, VecRows: 1, TileResults: 4, Separate: true})
}

// Replacing returns options that take other code for compiled kernels, by name: kernels that tests break on purpose.
func Replacing(o shaders.Options, code map[string][]byte) shaders.Options {
	seam.Replace(&o, code)
	return o
}

// mostVecRows has matmuls of up to so many rows checked as GEMV, fewVecRows by kernels that only load or multiply otherwise: each
// number of rows is compiled.
const mostVecRows, fewVecRows = 16, 4

// Run compares the kernels with the oracles on a device. A case runs once for each set of kernels that the choices make
// of it. Failures are in the results; the error is for what stops the run: the context, or a device that is lost. What that
// ended is no result, as nothing is known of the kernels that ran.
func Run(ctx context.Context, dev *vk.Device, o Options) ([]Result, error) {
	choices := o.Shaders
	if len(choices) == 0 {
		choices = DefaultShaders(dev)
	}
	var kernels []*shaders.Kernels
	vecRows := 0
	for _, c := range choices {
		vecRows = max(vecRows, c.VecRows)
		c.Compiling = o.Kernel
		k, err := shaders.New(dev, c)
		if err != nil {
			return nil, fmt.Errorf("ref: %w", err)
		}
		kernels = append(kernels, k)
	}
	var results []Result
	cases, ran := o.cases(), map[string]bool{}
	for i, c := range cases {
		if o.Begin != nil {
			o.Begin(i, len(cases), c)
		}
		t := &trial{ctx: ctx, dev: dev, choices: choices, kernels: kernels, vecRows: vecRows, c: c, running: o.Kernel,
			arena: dev.NewArena("ref "+c.Op, vk.DeviceLocal), seen: map[string]bool{}}
		if o.Once {
			t.ran = ran
		}
		speed := dev.Speed()
		if c.cut {
			dev.SetSpeed(glacial)
		}
		c.run(t)
		dev.SetSpeed(speed)
		t.arena.Free()
		for _, r := range t.results {
			if errors.Is(r.Err, vk.ErrDeviceLost) || errors.Is(r.Err, context.Canceled) || errors.Is(r.Err, context.DeadlineExceeded) {
				return results, fmt.Errorf("ref: %s/%s [%s]: %w", r.Op, r.Case, r.Kernel, r.Err)
			}
			if o.Progress != nil {
				o.Progress(r)
			}
			results = append(results, r)
		}
	}
	return results, nil
}
