//go:build cgo

package vk

// #include "shim.h"
import "C"

import (
	"encoding/hex"
	"strings"
	"unsafe"

	"muninn/vk/internal/binding"
)

// Heap flags, subgroup operations and stages, as the specification numbers them.
const (
	heapDeviceLocal       = 1
	subgroupArithmeticBit = 4
	shaderStageCompute    = 0x20
)

// query asks a physical device for everything in Caps. A device older than Vulkan 1.1 is described by name and version
// alone: more cannot be asked of it.
func query(instance binding.Instance, p binding.PhysicalDevice) (Caps, error) {
	var props binding.PhysicalDeviceProperties
	binding.GetPhysicalDeviceProperties(p, &props)
	defer props.Free()
	props.Deref()
	props.Limits.Deref()
	defer props.Limits.Free()
	name, _, _ := strings.Cut(string(props.DeviceName[:]), "\x00")
	c := Caps{
		Name: name, Type: typeNames[min(uint32(props.DeviceType), uint32(len(typeNames)-1))],
		VendorID: props.VendorID, DeviceID: props.DeviceID, DriverVersion: props.DriverVersion,
		APIVersion: [3]uint32{props.ApiVersion >> 22 & 127, props.ApiVersion >> 12 & 1023, props.ApiVersion & 4095},
		CacheUUID:  hex.EncodeToString(props.PipelineCacheUUID[:]),
	}
	if c.Supported() != nil {
		return c, nil
	}
	c.limits(&props)

	var facts C.mn_facts
	var missing *C.char
	switch C.mn_query(C.VkDispatchable(unsafe.Pointer(instance)), C.VkDispatchable(unsafe.Pointer(p)), C.uint32_t(props.ApiVersion), &facts, &missing) {
	case -1:
		return c, unsupported("the Vulkan loader lacks %s; update the Vulkan runtime", C.GoString(missing))
	case -2:
		return c, &Error{Op: "query", Name: c.Name, Result: resultOutOfHostMemory}
	}
	c.fromFacts(&facts)
	return c, nil
}

func (c *Caps) limits(p *binding.PhysicalDeviceProperties) {
	l := &p.Limits
	c.MaxStorageBufferRange = uint64(l.MaxStorageBufferRange)
	c.MaxAllocationCount = l.MaxMemoryAllocationCount
	c.MaxPushConstants = l.MaxPushConstantsSize
	c.MaxWorkgroupInvocations = l.MaxComputeWorkGroupInvocations
	c.MaxSharedMemory = l.MaxComputeSharedMemorySize
	c.MaxWorkgroupSize = l.MaxComputeWorkGroupSize
	c.MaxWorkgroupCount = l.MaxComputeWorkGroupCount
	c.MaxStorageBuffers = min(l.MaxPerStageDescriptorStorageBuffers, l.MaxDescriptorSetStorageBuffers)
	c.OffsetAlignment = uint64(l.MinStorageBufferOffsetAlignment)
	c.MaxTexels, c.TexelAlignment = uint64(l.MaxTexelBufferElements), uint64(l.MinTexelBufferOffsetAlignment)
	c.TimestampPeriod = float64(l.TimestampPeriod)
}

func (c *Caps) fromFacts(f *C.mn_facts) {
	c.UUID = hex.EncodeToString(C.GoBytes(unsafe.Pointer(&f.device_uuid[0]), 16))
	c.DriverUUID = hex.EncodeToString(C.GoBytes(unsafe.Pointer(&f.driver_uuid[0]), 16))
	c.Driver = strings.TrimSpace(C.GoString(&f.driver_name[0]) + " " + C.GoString(&f.driver_info[0]))
	c.DriverID = uint32(f.driver_id)
	c.MaxAllocation, c.MaxBufferSize = uint64(f.max_allocation), uint64(f.max_buffer)
	c.SubgroupSize = uint32(f.subgroup_size)
	c.SubgroupMin, c.SubgroupMax = uint32(f.subgroup_min), uint32(f.subgroup_max)
	c.MaxSubgroups = uint32(f.max_subgroups)
	compute := f.subgroup_stages&shaderStageCompute != 0
	c.SubgroupArithmetic = compute && f.subgroup_operations&subgroupArithmeticBit != 0
	c.SubgroupSizeControl = f.subgroup_control != 0 && f.subgroup_required_stages&shaderStageCompute != 0
	c.FullSubgroups = f.full_subgroups != 0
	c.sizeControlByName = f.has_size_control_extension != 0 && c.APIVersion[0] == 1 && c.APIVersion[1] < 3
	c.integerDotByName = f.has_integer_dot_extension != 0 && c.APIVersion[0] == 1 && c.APIVersion[1] < 3
	c.queueFamily, c.TimestampBits = uint32(f.queue_family), uint32(f.timestamp_bits)
	c.portabilitySubset = f.has_portability_subset != 0
	c.Float16, c.Int8 = f.float16 != 0, f.int8 != 0
	c.Storage16, c.Storage8 = f.storage16 != 0, f.storage8 != 0
	c.IntegerDot, c.IntegerDotAccelerated, c.IntegerDotMixed = f.integer_dot != 0, f.integer_dot_4x8 != 0, f.integer_dot_mixed != 0
	for i := range int(f.matrix_count) {
		c.Matrices = append(c.Matrices, Matrix{uint32(f.matrix_m[i]), uint32(f.matrix_n[i]), uint32(f.matrix_k[i])})
	}
	if c.DriverID == driverLavapipe && c.SubgroupSize > 8 { // its compiler crashes over matrices on vectors of 512 bits (26.2.6)
		c.Matrices = nil
	}
	c.MemoryBudget = f.has_budget != 0
	for i := range int(f.heap_count) {
		h := Heap{Size: uint64(f.heap_size[i]), DeviceLocal: f.heap_flags[i]&heapDeviceLocal != 0}
		h.Budget = h.Size / 10 * 9
		if c.MemoryBudget {
			h.Budget, h.Used = min(uint64(f.heap_budget[i]), h.Size), uint64(f.heap_used[i])
		}
		c.Heaps = append(c.Heaps, h)
	}
	for i := range int(f.type_count) {
		if int(f.type_heap[i]) >= len(c.Heaps) {
			break // keeps indices those of the driver
		}
		c.MemoryTypes = append(c.MemoryTypes, memoryType(int(f.type_heap[i]), uint32(f.type_flags[i])))
	}
}

// typeNames are the names of the VkPhysicalDeviceTypes, and of those that the specification does not have.
var typeNames = [...]string{"other", "integrated", "discrete", "virtual", "cpu", "other"}
