//go:build cgo

package vk

// #include "shim.h"
// #include <stdlib.h>
import "C"

import (
	"runtime"
	"time"
	"unsafe"

	"muninn/vk/internal/binding"
)

// native is the driver that calls Vulkan: the binding for what happens at set-up and teardown, the shim for the rest.
type native struct {
	device binding.Device
	shim   *C.mn_device
	family uint32
}

// id turns a non-dispatchable handle, which is a pointer or a 64-bit number by platform, into a number.
func id[T any](h T) handle { return *(*handle)(unsafe.Pointer(&h)) }

// as is the reverse of id.
func as[T any](h handle) T { return *(*T)(unsafe.Pointer(&h)) }

// openNative opens a device, and takes from c what the device cannot be opened with.
func openNative(instance binding.Instance, p binding.PhysicalDevice, c *Caps) (*native, error) {
	if c.queueFamily == ^uint32(0) {
		return nil, unsupported("%s has no compute queue", c.Name)
	}
	device, err := createDevice(p, *c)
	if err != nil && (c.choosesSubgroup() || c.IntegerDot) {
		// Some drivers fail over features that they offer.
		c.SubgroupSizeControl, c.IntegerDot, c.IntegerDotAccelerated = false, false, false
		device, err = createDevice(p, *c)
	}
	if err != nil {
		return nil, err
	}
	var q binding.Queue
	binding.GetDeviceQueue(device, c.queueFamily, 0, &q)
	var missing *C.char
	shim := C.mn_device_new(C.VkDispatchable(unsafe.Pointer(instance)), C.VkDispatchable(unsafe.Pointer(device)), C.VkDispatchable(unsafe.Pointer(q)), &missing)
	if shim == nil {
		binding.DestroyDevice(device, nil)
		return nil, missingFunction(c.Name, C.GoString(missing))
	}
	return &native{device: device, shim: shim, family: c.queueFamily}, nil
}

// made returns what a creating call of the binding made.
func made[T any](op string, create func(*T) binding.Result) (handle, error) {
	var t T
	err := failed(op, "", Result(create(&t)))
	return id(t), err
}

// createDevice creates the logical device with one queue. Of the features only subgroup size control, where there is a choice, and
// integer dot products are enabled; robust buffer access stays off, which halves the speed of some drivers.
func createDevice(p binding.PhysicalDevice, c Caps) (binding.Device, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	priority := []float32{1}
	pin.Pin(&priority[0])
	info := binding.DeviceCreateInfo{
		SType: binding.StructureTypeDeviceCreateInfo, QueueCreateInfoCount: 1,
		PQueueCreateInfos: []binding.DeviceQueueCreateInfo{{
			SType: binding.StructureTypeDeviceQueueCreateInfo, QueueFamilyIndex: c.queueFamily, QueueCount: 1, PQueuePriorities: priority,
		}},
	}
	defer info.Free()
	flag := func(on bool) C.int {
		if on {
			return 1
		}
		return 0
	}
	control := c.choosesSubgroup()
	info.PNext = C.mn_enabled_features(flag(control), flag(c.FullSubgroups), flag(c.IntegerDot))
	for _, e := range []struct {
		on   bool
		name string
	}{
		{c.sizeControlByName && control, "VK_EXT_subgroup_size_control\x00"},
		{c.integerDotByName && c.IntegerDot, "VK_KHR_shader_integer_dot_product\x00"},
		{c.portabilitySubset, "VK_KHR_portability_subset\x00"},
	} {
		if e.on {
			info.PpEnabledExtensionNames = append(info.PpEnabledExtensionNames, e.name)
		}
	}
	info.EnabledExtensionCount = uint32(len(info.PpEnabledExtensionNames))
	var device binding.Device
	err := failed("create device", c.Name, Result(binding.CreateDevice(p, &info, nil, &device)))
	return device, err
}

func (n *native) close() {
	binding.DestroyDevice(n.device, nil)
	C.mn_device_free(n.shim)
	releaseInstance()
}

func (n *native) destroy(kind object, h handle) {
	switch kind {
	case objBuffer:
		binding.DestroyBuffer(n.device, as[binding.Buffer](h), nil)
	case objMemory:
		binding.FreeMemory(n.device, as[binding.DeviceMemory](h), nil)
	case objSetLayout:
		binding.DestroyDescriptorSetLayout(n.device, as[binding.DescriptorSetLayout](h), nil)
	case objPipelineLayout:
		binding.DestroyPipelineLayout(n.device, as[binding.PipelineLayout](h), nil)
	case objPipelineCache:
		binding.DestroyPipelineCache(n.device, as[binding.PipelineCache](h), nil)
	case objPipeline:
		binding.DestroyPipeline(n.device, as[binding.Pipeline](h), nil)
	case objView:
		binding.DestroyBufferView(n.device, as[binding.BufferView](h), nil)
	case objSets:
		binding.DestroyDescriptorPool(n.device, as[binding.DescriptorPool](h), nil)
	case objCommands:
		binding.DestroyCommandPool(n.device, as[binding.CommandPool](h), nil)
	case objQueries:
		binding.DestroyQueryPool(n.device, as[binding.QueryPool](h), nil)
	case objFence:
		binding.DestroyFence(n.device, as[binding.Fence](h), nil)
	}
}

func (n *native) createBuffer(size uint64) (handle, requirements, error) {
	info := binding.BufferCreateInfo{
		SType: binding.StructureTypeBufferCreateInfo, Size: binding.DeviceSize(size),
		Usage: binding.BufferUsageFlags(binding.BufferUsageStorageBufferBit | binding.BufferUsageUniformTexelBufferBit | binding.BufferUsageIndirectBufferBit |
			binding.BufferUsageTransferSrcBit | binding.BufferUsageTransferDstBit),
	}
	defer info.Free()
	var b binding.Buffer
	if err := failed("create buffer", "", Result(binding.CreateBuffer(n.device, &info, nil, &b))); err != nil {
		return 0, requirements{}, err
	}
	var need binding.MemoryRequirements
	binding.GetBufferMemoryRequirements(n.device, b, &need)
	defer need.Free()
	need.Deref()
	return id(b), requirements{uint64(need.Size), need.MemoryTypeBits}, nil
}

func (n *native) allocate(size uint64, memoryType int) (handle, error) {
	info := binding.MemoryAllocateInfo{
		SType: binding.StructureTypeMemoryAllocateInfo, AllocationSize: binding.DeviceSize(size), MemoryTypeIndex: uint32(memoryType),
	}
	defer info.Free()
	return made("allocate memory", func(h *binding.DeviceMemory) binding.Result { return binding.AllocateMemory(n.device, &info, nil, h) })
}

func (n *native) bind(buffer, memory handle) error {
	return failed("bind memory", "", Result(binding.BindBufferMemory(n.device, as[binding.Buffer](buffer), as[binding.DeviceMemory](memory), 0)))
}

func (n *native) mapMemory(memory handle, size uint64) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	err := failed("map memory", "", Result(binding.MapMemory(n.device, as[binding.DeviceMemory](memory), 0, binding.DeviceSize(size), 0, &p)))
	return p, err
}

func (n *native) createFence() (handle, error) {
	info := binding.FenceCreateInfo{SType: binding.StructureTypeFenceCreateInfo}
	defer info.Free()
	return made("create fence", func(h *binding.Fence) binding.Result { return binding.CreateFence(n.device, &info, nil, h) })
}

func (n *native) createQueries(count int) (handle, error) {
	info := binding.QueryPoolCreateInfo{
		SType: binding.StructureTypeQueryPoolCreateInfo, QueryType: binding.QueryTypeTimestamp, QueryCount: uint32(count),
	}
	defer info.Free()
	return made("create query pool", func(h *binding.QueryPool) binding.Result { return binding.CreateQueryPool(n.device, &info, nil, h) })
}

func (n *native) timestamps(pool handle, count int) ([]uint64, error) {
	ticks := make([]uint64, count)
	r := C.mn_timestamps(n.shim, C.uint64_t(pool), C.uint32_t(count), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(ticks))))
	return ticks, failed("read timestamps", "", Result(r))
}

func (n *native) createCommands(count int) (handle, []command, error) {
	info := binding.CommandPoolCreateInfo{
		SType: binding.StructureTypeCommandPoolCreateInfo, QueueFamilyIndex: n.family,
		Flags: binding.CommandPoolCreateFlags(binding.CommandPoolCreateResetCommandBuffer),
	}
	defer info.Free()
	var pool binding.CommandPool
	if err := failed("create command pool", "", Result(binding.CreateCommandPool(n.device, &info, nil, &pool))); err != nil {
		return 0, nil, err
	}
	alloc := binding.CommandBufferAllocateInfo{
		SType: binding.StructureTypeCommandBufferAllocateInfo, CommandPool: pool, Level: binding.CommandBufferLevelPrimary,
		CommandBufferCount: uint32(count),
	}
	defer alloc.Free()
	list := make([]binding.CommandBuffer, count)
	if err := failed("allocate command buffers", "", Result(binding.AllocateCommandBuffers(n.device, &alloc, list))); err != nil {
		binding.DestroyCommandPool(n.device, pool, nil)
		return 0, nil, err
	}
	commands := make([]command, count)
	for i, c := range list {
		commands[i] = uintptr(unsafe.Pointer(c))
	}
	return id(pool), commands, nil
}

func (n *native) record(commands []command, s stream, oneTime bool) error {
	flags := C.uint32_t(4) // simultaneous use: a program may be in flight more than once
	if oneTime {
		flags = 1
	}
	r := C.mn_record(n.shim, (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(commands))), C.size_t(len(commands)),
		(*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(s))), C.size_t(len(s)), flags)
	return failed("record", "", Result(r))
}

func (n *native) submit(commands []command, fence handle) error {
	r := C.mn_submit(n.shim, (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(commands))), C.uint32_t(len(commands)), C.uint64_t(fence))
	return failed("submit", "", Result(r))
}

func (n *native) wait(fence handle, limit time.Duration) (bool, error) {
	r := Result(C.mn_wait(n.shim, C.uint64_t(fence), C.uint64_t(limit.Nanoseconds())))
	if r == resultTimeout {
		return false, nil
	}
	return r == 0, failed("wait", "", r)
}

func (n *native) reset(fence handle) error {
	return failed("reset fence", "", Result(C.mn_reset(n.shim, C.uint64_t(fence))))
}

func (n *native) waitIdle() error {
	return failed("wait for the device", "", Result(binding.DeviceWaitIdle(n.device)))
}
