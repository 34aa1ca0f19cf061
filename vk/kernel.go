package vk

import "fmt"

// Kernel is a compiled compute pipeline. It lives as long as its device.
type Kernel struct {
	name     string
	in       signature
	group    [3]uint32 // workgroup size
	pipeline handle
	layout   layout
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

// Name is the name the kernel was created with.
func (k *Kernel) Name() string { return k.name }

// SPIR-V capabilities of a kernel that needs no device feature, and those of subgroup operations, which are properties.
const (
	capMatrix = iota
	capShader
)

const (
	capSampledBuffer             = 46
	capGroupNonUniform           = 61
	capGroupNonUniformVote       = 62
	capGroupNonUniformArithmetic = 63

	capDotProductInput4x8BitPacked = 6018
	capDotProduct                  = 6019
)

// NewKernel compiles a kernel. The SPIR-V must stay within what the device was opened with: storage buffers and texel buffers in
// set 0, push constants, 32-bit arithmetic, subgroup arithmetic and integer dot products where the device has them; else the error matches
// ErrUnsupported. Errors name the kernel.
func (d *Device) NewKernel(name string, spirv []byte, opt KernelOptions) (*Kernel, error) {
	in, err := reflectSPIRV(spirv)
	if err != nil {
		return nil, fmt.Errorf("vk: kernel %s: %w", name, err)
	}
	if err := d.caps.accepts(in, opt, d.shown.Load()); err != nil {
		return nil, fmt.Errorf("vk: kernel %s: %w", name, err)
	}
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	l, err := d.layout(layoutKey{in.bindings(), in.PushBytes})
	if err != nil {
		return nil, fmt.Errorf("vk: kernel %s: %w", name, err)
	}
	code, err := words(spirv)
	if err != nil {
		return nil, fmt.Errorf("vk: kernel %s: %w", name, err)
	}
	k := &Kernel{name: name, in: in, group: in.workgroup(opt.Spec), layout: l}
	info := pipelineInfo{name: name, spirv: code, entry: in.Entry, spec: opt.Spec, layout: l.pipeline, cache: d.cache}
	if opt.SubgroupSize != 0 && d.caps.choosesSubgroup() {
		info.subgroupSize = opt.SubgroupSize
		info.fullSubgroups = d.caps.FullSubgroups && k.group[0]%opt.SubgroupSize == 0
	}
	if k.pipeline, err = d.drv.createPipeline(info); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		d.drv.destroy(objPipeline, k.pipeline)
		return nil, ErrClosed
	}
	d.kernels = append(d.kernels, k)
	return k, nil
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
	if uint64(in.storageBuffers()) > uint64(c.MaxStorageBuffers) {
		return unsupported("%d storage buffers, %s allows %d", in.storageBuffers(), c.Name, c.MaxStorageBuffers)
	}
	return c.acceptsSubgroup(opt.SubgroupSize, shown)
}

// layout returns the layouts for kernels with so many bindings and bytes of push constants.
func (d *Device) layout(key layoutKey) (layout, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
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
