package vk

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Kernel is a compiled compute pipeline. It lives as long as its device.
type Kernel struct {
	name   string
	in     signature
	spec   []uint32
	group  [3]uint32 // workgroup size
	layout layout

	mu       sync.Mutex
	pipeline handle       // 0 until it is built
	info     pipelineInfo // what it is built from, until then

	compiling func(name string)
}

// layout is a descriptor set layout and the pipeline layout over it, shared by all kernels of the same shape.
type layout struct{ set, pipeline handle }

type layoutKey struct {
	bindings bindings
	push     uint32
}

// bindings are the indices that a kernel uses, as bits.
type bindings struct{ storage, texels uint32 }

func (in signature) bindings() bindings {
	var s bindings
	for _, b := range in.Bindings {
		if b.Texels == NoTexel {
			s.storage |= 1 << b.Index
		} else {
			s.texels |= 1 << b.Index
		}
	}
	return s
}

// SPIR-V capabilities of a kernel that needs no device feature, and those of subgroup operations, which are properties.
const (
	capMatrix                    = 0
	capShader                    = 1
	capFloat16                   = 9
	capSampledBuffer             = 46
	capGroupNonUniform           = 61
	capGroupNonUniformVote       = 62
	capGroupNonUniformArithmetic = 63

	capDotProductInput4x8BitPacked = 6018
	capDotProduct                  = 6019

	capVulkanMemoryModel = 5345
	capCooperativeMatrix = 6022
)

// Prepare returns a kernel that can be dispatched and is compiled by Build, or by the End of the first program that has it. The
// SPIR-V must stay within what the device was opened with: storage buffers and texel buffers in set 0, push constants, 32-bit
// arithmetic, and where the device has them subgroup arithmetic, integer dot products and cooperative matrices; else the error matches ErrUnsupported.
// Errors name the kernel.
func (d *Device) Prepare(name string, spirv []byte, opt KernelOptions) (*Kernel, error) {
	k := &Kernel{name: name, compiling: opt.Compiling}
	var err error
	if k.in, err = reflectSPIRV(spirv); err == nil {
		err = d.caps.accepts(k.in, opt, d.shown.Load())
	}
	if err == nil {
		k.layout, err = d.layout(layoutKey{k.in.bindings(), k.in.PushBytes})
	}
	if err != nil {
		return nil, fmt.Errorf("vk: kernel %s: %w", name, err)
	}
	k.spec, k.group = slices.Clone(opt.Spec), k.in.workgroup(opt.Spec)
	code, _ := words(spirv) // it was reflected
	k.info = pipelineInfo{name: name, spirv: code, entry: k.in.Entry, spec: k.spec, layout: k.layout.pipeline, cache: d.cache}
	if opt.SubgroupSize != 0 && d.caps.choosesSubgroup() {
		k.info.subgroupSize = opt.SubgroupSize
		k.info.fullSubgroups = d.caps.FullSubgroups && k.group[0]%opt.SubgroupSize == 0
	}
	return k, nil
}

// Build compiles those of the kernels that are not compiled yet, on all cores. Its error joins those of all that failed, each of
// which names its kernel; they may be built again.
func (d *Device) Build(kernels ...*Kernel) error {
	return d.buildAll(context.Background(), kernels, true)
}

// BuildAhead compiles what is likely to be needed, until the context ends, and tells nobody. What fails is tried again when it is.
func (d *Device) BuildAhead(ctx context.Context, kernels ...*Kernel) {
	_ = d.buildAll(ctx, kernels, false)
}

func (d *Device) buildAll(ctx context.Context, kernels []*Kernel, tell bool) error {
	errs := make([]error, len(kernels))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(kernels), runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(kernels)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				errs[i] = d.build(kernels[i], tell)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *Device) build(k *Kernel, tell bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pipeline != 0 {
		return nil
	}
	if tell && k.compiling != nil {
		d.telling.Lock()
		k.compiling(k.name)
		d.telling.Unlock()
	}
	if told := d.drv.test.Compiling.Load(); told != nil {
		(*told)(k.name, !tell)
	}
	pipeline, err := d.drv.createPipeline(k.info)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		d.drv.destroy(objPipeline, pipeline)
		return ErrClosed
	}
	k.pipeline, k.info = pipeline, pipelineInfo{}
	d.kernels = append(d.kernels, k)
	return nil
}

// accepts returns why a kernel does not fit the device, or nil.
func (c Caps) accepts(in signature, opt KernelOptions, shown uint32) error {
	for _, capability := range in.Capabilities {
		switch capability {
		case capMatrix, capShader, capSampledBuffer, capGroupNonUniform, capGroupNonUniformVote:
		case capGroupNonUniformArithmetic:
			if !c.SubgroupArithmetic {
				return unsupported("%s has no subgroup arithmetic in compute kernels", c.Name)
			}
		case capDotProductInput4x8BitPacked, capDotProduct:
			if !c.IntegerDot {
				return unsupported("%s has no integer dot products", c.Name)
			}
		case capFloat16, capVulkanMemoryModel, capCooperativeMatrix:
			if len(c.Matrices) == 0 {
				return unsupported("%s has no matrix units that are known", c.Name)
			}
		default:
			return unsupported("SPIR-V capability %d needs a feature that is not enabled", capability)
		}
	}
	size := in.workgroup(opt.Spec)
	invocations := uint64(size[0]) * uint64(size[1])
	if size[0] > c.MaxWorkgroupSize[0] || size[1] > c.MaxWorkgroupSize[1] || size[2] > c.MaxWorkgroupSize[2] ||
		invocations == 0 || size[2] == 0 || invocations > uint64(c.MaxWorkgroupInvocations)/uint64(size[2]) {
		return unsupported("workgroup %v exceeds what %s allows: %v, %d in all", size, c.Name, c.MaxWorkgroupSize, c.MaxWorkgroupInvocations)
	}
	if in.PushBytes > c.MaxPushConstants {
		return unsupported("%d bytes of push constants, %s allows %d", in.PushBytes, c.Name, c.MaxPushConstants)
	}
	if n := bits.OnesCount32(in.bindings().storage); uint64(n) > uint64(c.MaxStorageBuffers) {
		return unsupported("%d storage buffers, %s allows %d", n, c.Name, c.MaxStorageBuffers)
	}
	if most := opt.SubgroupSize * c.MaxSubgroups; most != 0 && c.choosesSubgroup() && invocations > uint64(most) {
		return unsupported("%d invocations in subgroups of %d, %s allows %d", invocations, opt.SubgroupSize, c.Name, most)
	}
	return c.acceptsSubgroup(opt.SubgroupSize, shown)
}

// layout returns the layouts for kernels with so many bindings and bytes of push constants.
func (d *Device) layout(key layoutKey) (layout, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return layout{}, ErrClosed
	}
	if l, ok := d.layouts[key]; ok {
		return l, nil
	}
	set, err := d.drv.createSetLayout(key.bindings)
	if err != nil {
		return layout{}, err
	}
	pipeline, err := d.drv.createPipelineLayout(set, key.push)
	if err != nil {
		d.drv.destroy(objSetLayout, set)
		return layout{}, err
	}
	l := layout{set, pipeline}
	d.layouts[key] = l
	return l, nil
}
