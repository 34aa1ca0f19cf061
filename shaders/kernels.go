// Package shaders records the operations of a recurrent-depth model's forward pass. Each operation is one
// stem: X.comp is the kernel, X.go records it, ref/X.go is its oracle in plain Go.
package shaders

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"muninn/shaders/internal/seam"
	"muninn/vk"
)

func init() {
	seam.Replace = func(o any, code map[string][]byte) { o.(*Options).replaced = code }
}

//go:embed spv/*.spv
var compiled embed.FS

// Reduction is how a workgroup adds up.
type Reduction int

// AutoReduction takes subgroup operations where the device can be held to a subgroup size, else shared memory.
const (
	AutoReduction Reduction = iota
	Subgroup
	SharedMemory
)

// Vectors is which kernels GEMV runs on.
type Vectors int

// AutoVectors takes those with fixed numbers of rows on devices that do not unroll loops, and where there are no others.
const (
	AutoVectors Vectors = iota
	Specialized         // numbers of rows by specialization constants; with subgroups only
	Fixed
)

// Loads is how GEMV and attention read what they only read.
type Loads int

// AutoLoads takes texel buffers on CPU devices that unroll loops and whose views are large enough. StorageBuffers also cuts matmuls
// as on a GPU.
const (
	AutoLoads Loads = iota
	StorageBuffers
)

// Norms is how many invocations have a row of a norm, and of whatever else sums over one.
type Norms int

// AutoNorms takes several subgroups on GPUs, which would wait for one; on CPU devices, whose barriers cost most, one.
const (
	AutoNorms Norms = iota
	NormsInSubgroup
	NormsInWorkgroup
)

// Matrices is what multiplies in matmuls of many rows.
type Matrices int

// AutoMatrices takes the matrix units of GPUs that have them.
const (
	AutoMatrices Matrices = iota
	FloatTiles            // floats, in tiles of shared memory
	MatrixUnits           // matrix units, on halves, where the device has them
)

// Options fix choices that Caps otherwise decide, so that every variant can be checked on every device.
type Options struct {
	Reduction Reduction
	// VecRows is the largest number of rows that matmul takes as GEMV, more go in tiles; 0: the device class's own.
	VecRows int
	Vectors Vectors
	Loads   Loads
	// Activations of GEMV with block formats.
	Activations Activations
	Norms       Norms
	Matrices    Matrices
	// GEMV is how workgroups take every matrix; a field of 0: as suits matrix and device.
	GEMV GEMV
	// Dot is how int8 activations are multiplied; 0: as suits the device.
	Dot Dot
	// Separate keeps norms in dispatches of their own.
	Separate bool
	// TileResults fixes Tuning.TileResults; 0: as suits the device.
	TileResults int
	// Off takes choices away.
	Off []Off
	// Measured choices come before the rules.
	Measured Measured `json:",omitzero"`
	// Small is for models so small that kernels take longer to compile than they save: fewer and smaller ones.
	Small bool `json:",omitempty"`
	// Compiling is as in vk.KernelOptions.
	Compiling func(name string) `json:"-"`

	replaced map[string][]byte // code that tests put in the place of compiled kernels
}

// Without is the options with more taken away.
func (o Options) Without(off []Off) Options {
	o.Off = append(slices.Clip(o.Off), off...)
	return o
}

// Kernels are the kernels on one device, prepared as they are first used and compiled at the end of the first program with them.
type Kernels struct {
	Tuning
	dev *vk.Device
	opt Options

	mu    sync.Mutex
	built map[string]*vk.Kernel
}

// New prepares the kernels of a device.
func New(dev *vk.Device, opt Options) (*Kernels, error) {
	size, err := dev.Subgroup()
	if err != nil {
		return nil, err
	}
	if opt.Reduction == Subgroup && size == 0 {
		return nil, fmt.Errorf("shaders: %s cannot be held to a subgroup size, so kernels built on subgroups cannot run on it", dev.Caps().Name)
	}
	return &Kernels{Tuning: Tune(dev.Caps(), size, opt), dev: dev, opt: opt, built: map[string]*vk.Kernel{}}, nil
}

// suffix names the reduction in a kernel's name.
func (k *Kernels) suffix() string {
	if k.Subgroup != 0 {
		return "_sg"
	}
	return "_sm"
}

// norm names the kernel, of those that sum over rows of cols, and its specialization constants. Several subgroups take whole vec4: no
// more of them than a row has, shared out evenly, which their lanes keep in registers where these suffice. form are the constants behind those.
func (k *Kernels) norm(name string, cols int, form []uint32) (string, []uint32) {
	if k.NormLanes <= k.Subgroup || cols%4 != 0 {
		return name + k.suffix(), nil
	}
	vectors := uint32(Padded(cols)) / 4
	kept := (vectors + k.NormLanes - 1) / k.NormLanes
	lanes := ((vectors+kept-1)/kept + k.Subgroup - 1) / k.Subgroup * k.Subgroup
	if kept > 3 || kept == 3 && lanes > 768 { // with more of either it spills
		lanes, kept = k.NormLanes, 0
	}
	return name + "_wg", append([]uint32{lanes, kept}, form...)
}

// get is the kernel of that name. spec are its specialization constants from 0 on; constant 0 of
// a subgroup kernel is its workgroup, one subgroup if nothing else is asked for.
func (k *Kernels) get(name string, spec []uint32) (*vk.Kernel, error) {
	key := fmt.Sprint(name, spec)
	k.mu.Lock()
	defer k.mu.Unlock()
	if got, ok := k.built[key]; ok {
		return got, nil
	}
	code := k.opt.replaced[name]
	if code == nil {
		var err error
		if code, err = compiled.ReadFile("spv/" + name + ".spv"); err != nil {
			return nil, fmt.Errorf("shaders: no compiled kernel %s: %w", name, err)
		}
	}
	opt := vk.KernelOptions{Spec: spec, Compiling: k.opt.Compiling}
	if k.Subgroup != 0 && (strings.HasSuffix(name, "_sg") || strings.HasSuffix(name, "_wg") || strings.HasSuffix(name, "_coop")) {
		opt.SubgroupSize = k.Subgroup
		if len(spec) == 0 {
			opt.Spec = []uint32{k.Subgroup}
		}
	}
	kernel, err := k.dev.Prepare(name, code, opt)
	if err != nil {
		return nil, err
	}
	k.built[key] = kernel
	return kernel, nil
}

// Names lists the compiled kernels in order. The list is shared and must not be changed.
var Names = sync.OnceValue(func() []string {
	entries, err := compiled.ReadDir("spv")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".spv"))
	}
	return names
})

// SPIRV is the compiled code of a kernel.
func SPIRV(name string) ([]byte, error) { return compiled.ReadFile("spv/" + name + ".spv") }

// Sum names all compiled kernels: other kernels, another sum.
var Sum = sync.OnceValue(func() string {
	all := sha256.New()
	for _, name := range Names() {
		code, _ := SPIRV(name) // of the program
		fmt.Fprintf(all, "%s %d\n", name, len(code))
		all.Write(code)
	}
	return hex.EncodeToString(all.Sum(nil)[:8])
})
