//go:build cgo

package vk

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"unsafe"

	"muninn/vk/internal/binding"
)

func (n *native) createSetLayout(s bindings) (handle, error) {
	var list []binding.DescriptorSetLayoutBinding
	for i := range uint32(32) {
		kind := uint32(binding.DescriptorTypeStorageBuffer)
		switch {
		case s.texels>>i&1 != 0:
			kind = binding.DescriptorTypeUniformTexelBuffer
		case s.storage>>i&1 == 0:
			continue
		}
		list = append(list, binding.DescriptorSetLayoutBinding{
			Binding: i, DescriptorType: binding.DescriptorType(kind), DescriptorCount: 1, StageFlags: binding.ShaderStageFlags(binding.ShaderStageComputeBit),
		})
	}
	info := binding.DescriptorSetLayoutCreateInfo{
		SType: binding.StructureTypeDescriptorSetLayoutCreateInfo, BindingCount: uint32(len(list)), PBindings: list,
	}
	defer info.Free()
	return made("create set layout", func(h *binding.DescriptorSetLayout) binding.Result {
		return binding.CreateDescriptorSetLayout(n.device, &info, nil, h)
	})
}

func (n *native) createPipelineLayout(set handle, pushBytes uint32) (handle, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	sets := []binding.DescriptorSetLayout{as[binding.DescriptorSetLayout](set)}
	pin.Pin(&sets[0])
	info := binding.PipelineLayoutCreateInfo{SType: binding.StructureTypePipelineLayoutCreateInfo, SetLayoutCount: 1, PSetLayouts: sets}
	defer info.Free()
	if pushBytes > 0 {
		info.PushConstantRangeCount = 1
		info.PPushConstantRanges = []binding.PushConstantRange{{StageFlags: binding.ShaderStageFlags(binding.ShaderStageComputeBit), Size: pushBytes}}
	}
	return made("create pipeline layout", func(h *binding.PipelineLayout) binding.Result {
		return binding.CreatePipelineLayout(n.device, &info, nil, h)
	})
}

func (n *native) createPipelineCache(data []byte) (handle, error) {
	info := binding.PipelineCacheCreateInfo{SType: binding.StructureTypePipelineCacheCreateInfo}
	defer info.Free()
	if len(data) > 0 {
		p := C.CBytes(data)
		defer C.free(p)
		info.InitialDataSize, info.PInitialData = binding.Size(len(data)), p
	}
	return made("create pipeline cache", func(h *binding.PipelineCache) binding.Result {
		return binding.CreatePipelineCache(n.device, &info, nil, h)
	})
}

func (n *native) pipelineCacheData(h handle) ([]byte, error) {
	cache := as[binding.PipelineCache](h)
	var size binding.Size
	if err := failed("read pipeline cache", "", Result(binding.GetPipelineCacheData(n.device, cache, &size, nil))); err != nil || size == 0 {
		return nil, err
	}
	p := C.malloc(C.size_t(size))
	if p == nil {
		return nil, &Error{Op: "read pipeline cache", Result: resultOutOfHostMemory}
	}
	defer C.free(p)
	if err := failed("read pipeline cache", "", Result(binding.GetPipelineCacheData(n.device, cache, &size, p))); err != nil {
		return nil, err
	}
	return append([]byte(nil), unsafe.Slice((*byte)(p), int(size))...), nil
}

func (n *native) createPipeline(p pipelineInfo) (handle, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&p.spirv[0])
	module := binding.ShaderModuleCreateInfo{
		SType: binding.StructureTypeShaderModuleCreateInfo, CodeSize: binding.Size(4 * len(p.spirv)), PCode: p.spirv,
	}
	defer module.Free()
	var shader binding.ShaderModule
	if err := failed("create shader module", p.name, Result(binding.CreateShaderModule(n.device, &module, nil, &shader))); err != nil {
		return 0, err
	}
	defer binding.DestroyShaderModule(n.device, shader, nil)

	entry := C.CString(p.entry)
	defer C.free(unsafe.Pointer(entry))
	full := C.int(0)
	if p.fullSubgroups {
		full = 1
	}
	var pipeline C.uint64_t
	r := C.mn_pipeline(n.shim, C.uint64_t(p.cache), C.uint64_t(id(shader)), C.uint64_t(p.layout), entry,
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(p.spec))), C.uint32_t(len(p.spec)), C.uint32_t(p.subgroupSize), full, &pipeline)
	if err := failed("create pipeline", p.name, Result(r)); err != nil {
		return 0, err
	}
	return handle(pipeline), nil
}

func (n *native) createView(buffer handle, offset, size uint64, t Texel) (handle, error) {
	info := binding.BufferViewCreateInfo{
		SType: binding.StructureTypeBufferViewCreateInfo, Buffer: as[binding.Buffer](buffer),
		Offset: binding.DeviceSize(offset), Range: binding.DeviceSize(size),
	}
	switch t {
	case Uint:
		info.Format = binding.FormatR32Uint
	case Float:
		info.Format = binding.FormatR32Sfloat
	case Uint4:
		info.Format = binding.FormatR32g32b32a32Uint
	case Float4:
		info.Format = binding.FormatR32g32b32a32Sfloat
	}
	defer info.Free()
	return made("create buffer view", func(h *binding.BufferView) binding.Result { return binding.CreateBufferView(n.device, &info, nil, h) })
}

func (n *native) createSets(infos []setInfo) (handle, []handle, error) {
	var layouts []uint64
	var lengths []uint32
	var descriptors []descriptor
	var storage, texels uint32
	for _, s := range infos {
		layouts = append(layouts, s.layout)
		lengths = append(lengths, uint32(len(s.descriptors)))
		descriptors = append(descriptors, s.descriptors...)
		for _, d := range s.descriptors {
			texels += d.texel
			storage += 1 - d.texel
		}
	}
	var sizes []binding.DescriptorPoolSize
	if storage > 0 {
		sizes = append(sizes, binding.DescriptorPoolSize{Type: binding.DescriptorTypeStorageBuffer, DescriptorCount: storage})
	}
	if texels > 0 {
		sizes = append(sizes, binding.DescriptorPoolSize{Type: binding.DescriptorTypeUniformTexelBuffer, DescriptorCount: texels})
	}
	info := binding.DescriptorPoolCreateInfo{
		SType: binding.StructureTypeDescriptorPoolCreateInfo, MaxSets: uint32(len(infos)), PoolSizeCount: uint32(len(sizes)), PPoolSizes: sizes,
	}
	defer info.Free()
	var pool binding.DescriptorPool
	if err := failed("create descriptor pool", "", Result(binding.CreateDescriptorPool(n.device, &info, nil, &pool))); err != nil {
		return 0, nil, err
	}
	sets := make([]handle, len(infos))
	r := C.mn_sets(n.shim, C.uint64_t(id(pool)), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(layouts))),
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(lengths))), C.uint32_t(len(infos)),
		(*C.mn_descriptor)(unsafe.Pointer(unsafe.SliceData(descriptors))), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(sets))))
	if err := failed("allocate descriptor sets", "", Result(r)); err != nil {
		binding.DestroyDescriptorPool(n.device, pool, nil)
		return 0, nil, err
	}
	return id(pool), sets, nil
}
