//go:build cgo

package vk

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	"muninn/vk/internal/binding"
)

func (n *native) createSetLayout(s bindings) (handle, error) {
	var list []binding.DescriptorSetLayoutBinding
	for i := range uint32(32) {
		b := binding.DescriptorSetLayoutBinding{
			Binding: i, DescriptorType: binding.DescriptorTypeStorageBuffer, DescriptorCount: 1, StageFlags: binding.ShaderStageComputeBit,
		}
		if s.texels>>i&1 != 0 {
			b.DescriptorType = binding.DescriptorTypeUniformTexelBuffer
		}
		if (s.storage|s.texels)>>i&1 != 0 {
			list = append(list, b)
		}
	}
	return made(n.device, "create set layout", "", binding.CreateDescriptorSetLayout, binding.DescriptorSetLayoutCreateInfo{
		SType: binding.StructureTypeDescriptorSetLayoutCreateInfo, BindingCount: uint32(len(list)), PBindings: list,
	})
}

func (n *native) createPipelineLayout(set handle, pushBytes uint32) (handle, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	sets := []binding.DescriptorSetLayout{as[binding.DescriptorSetLayout](set)}
	pin.Pin(&sets[0])
	info := binding.PipelineLayoutCreateInfo{SType: binding.StructureTypePipelineLayoutCreateInfo, SetLayoutCount: 1, PSetLayouts: sets}
	if pushBytes > 0 {
		info.PushConstantRangeCount = 1
		info.PPushConstantRanges = []binding.PushConstantRange{{StageFlags: binding.ShaderStageComputeBit, Size: pushBytes}}
	}
	return made(n.device, "create pipeline layout", "", binding.CreatePipelineLayout, info)
}

func (n *native) createPipelineCache(data []byte) (handle, error) {
	info := binding.PipelineCacheCreateInfo{SType: binding.StructureTypePipelineCacheCreateInfo}
	if len(data) > 0 {
		p := C.CBytes(data)
		defer C.free(p)
		info.InitialDataSize, info.PInitialData = binding.Size(len(data)), p
	}
	return made(n.device, "create pipeline cache", "", binding.CreatePipelineCache, info)
}

func (n *native) pipelineCacheData(h handle) ([]byte, error) {
	cache := as[binding.PipelineCache](h)
	var size binding.Size
	if err := failed("read pipeline cache", "", binding.GetPipelineCacheData(n.device, cache, &size, nil)); err != nil || size == 0 {
		return nil, err
	}
	data := make([]byte, size)
	err := failed("read pipeline cache", "", binding.GetPipelineCacheData(n.device, cache, &size, unsafe.Pointer(&data[0])))
	return data[:size], err
}

func (n *native) mergePipelineCache(cache handle, data []byte) error {
	from, err := n.createPipelineCache(data)
	if err != nil {
		return err
	}
	defer n.destroy(objPipelineCache, from)
	return failed("merge pipeline caches", "", binding.MergePipelineCaches(n.device, as[binding.PipelineCache](cache), 1, []binding.PipelineCache{as[binding.PipelineCache](from)}))
}

func (n *native) createPipeline(p pipelineInfo) (handle, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&p.spirv[0])
	shader, err := made(n.device, "create shader module", p.name, binding.CreateShaderModule, binding.ShaderModuleCreateInfo{
		SType: binding.StructureTypeShaderModuleCreateInfo, CodeSize: binding.Size(4 * len(p.spirv)), PCode: p.spirv,
	})
	if err != nil {
		return 0, err
	}
	defer destroyer(binding.DestroyShaderModule)(n.device, shader)

	entry := C.CString(p.entry)
	defer C.free(unsafe.Pointer(entry))
	var pipeline C.uint64_t
	r := C.mn_pipeline(n.shim, C.uint64_t(p.cache), C.uint64_t(shader), C.uint64_t(p.layout), entry,
		(*C.uint32_t)(unsafe.SliceData(p.spec)), C.uint32_t(len(p.spec)), C.uint32_t(p.subgroupSize), flag(p.fullSubgroups), &pipeline)
	return handle(pipeline), failed("create pipeline", p.name, r)
}

func (n *native) createView(buffer handle, offset, size uint64, t Texel) (handle, error) {
	return made(n.device, "create buffer view", "", binding.CreateBufferView, binding.BufferViewCreateInfo{
		SType: binding.StructureTypeBufferViewCreateInfo, Buffer: as[binding.Buffer](buffer), Offset: binding.DeviceSize(offset), Range: binding.DeviceSize(size),
		Format: [...]binding.Format{
			Uint: binding.FormatR32Uint, Float: binding.FormatR32Sfloat, Uint4: binding.FormatR32g32b32a32Uint, Float4: binding.FormatR32g32b32a32Sfloat,
		}[t],
	})
}

func (n *native) createSets(infos []setInfo) (handle, []handle, error) {
	var layouts []uint64
	var lengths []uint32
	var descriptors []descriptor
	var count [2]uint32 // of storage buffers, of texel buffers
	for _, s := range infos {
		layouts = append(layouts, s.layout)
		lengths = append(lengths, uint32(len(s.descriptors)))
		descriptors = append(descriptors, s.descriptors...)
		for _, d := range s.descriptors {
			count[d.texel]++
		}
	}
	sizes := []binding.DescriptorPoolSize{
		{Type: binding.DescriptorTypeStorageBuffer, DescriptorCount: count[0]}, {Type: binding.DescriptorTypeUniformTexelBuffer, DescriptorCount: count[1]},
	}
	sizes = slices.DeleteFunc(sizes, func(s binding.DescriptorPoolSize) bool { return s.DescriptorCount == 0 })
	pool, err := made(n.device, "create descriptor pool", "", binding.CreateDescriptorPool, binding.DescriptorPoolCreateInfo{
		SType: binding.StructureTypeDescriptorPoolCreateInfo, MaxSets: uint32(len(infos)), PoolSizeCount: uint32(len(sizes)), PPoolSizes: sizes,
	})
	if err != nil {
		return 0, nil, err
	}
	sets := make([]handle, len(infos))
	r := C.mn_sets(n.shim, C.uint64_t(pool), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(layouts))),
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(lengths))), C.uint32_t(len(infos)),
		(*C.mn_descriptor)(unsafe.Pointer(unsafe.SliceData(descriptors))), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(sets))))
	if err := failed("allocate descriptor sets", "", r); err != nil {
		n.destroy(objSets, pool)
		return 0, nil, err
	}
	return pool, sets, nil
}
