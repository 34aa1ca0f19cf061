//go:build cgo

package vk

// #include "shim.h"
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

// id turns a handle, which is a pointer or a 64-bit number by kind and platform, into a number.
func id[T any](h T) (n handle) {
	*(*T)(unsafe.Pointer(&n)) = h
	return n
}

// as is the reverse of id.
func as[T any](h handle) T { return *(*T)(unsafe.Pointer(&h)) }

// openNative opens a device, and takes from c what the device cannot be opened with.
func openNative(instance binding.Instance, p binding.PhysicalDevice, c *Caps) (*native, error) {
	if c.queueFamily == ^uint32(0) {
		return nil, unsupported("%s has no compute queue", c.Name)
	}
	device, err := createDevice(p, *c)
	if err != nil && (c.choosesSubgroup() || c.IntegerDot || c.Matrices != nil) {
		// Some drivers fail over features that they offer.
		c.SubgroupSizeControl, c.IntegerDot, c.IntegerDotAccelerated, c.IntegerDotMixed, c.Matrices = false, false, false, false, nil
		device, err = createDevice(p, *c)
	}
	if err != nil {
		return nil, err
	}
	var missing *C.char
	shim := C.mn_device_new(C.VkDispatchable(unsafe.Pointer(instance)), C.VkDispatchable(unsafe.Pointer(device)), C.uint32_t(c.queueFamily), &missing)
	if shim == nil {
		binding.DestroyDevice(device, nil)
		return nil, unsupported("the driver of %s lacks %s", c.Name, C.GoString(missing))
	}
	return &native{device: device, shim: shim, family: c.queueFamily}, nil
}

// made makes an object of a device, or of a physical one, by what the binding has for it.
func made[P, I, T any, F interface {
	*I
	Free()
}](parent P, op, name string, create func(P, F, *binding.AllocationCallbacks, *T) binding.Result, info I) (handle, error) {
	defer F(&info).Free()
	var t T
	err := failed(op, name, create(parent, &info, nil, &t))
	return id(t), err
}

// destroyer is what destroys an object of a device by its handle.
func destroyer[T any](destroy func(binding.Device, T, *binding.AllocationCallbacks)) func(binding.Device, handle) {
	return func(d binding.Device, h handle) { destroy(d, as[T](h), nil) }
}

// createDevice creates the logical device with one queue. Of the features only subgroup size control, where there is a choice,
// integer dot products and what matrix units take are enabled; robust buffer access stays off, which halves the speed of some drivers.
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
	control := c.choosesSubgroup()
	matrices := len(c.Matrices) > 0
	var features C.mn_features
	pin.Pin(&features)
	info.PNext = C.mn_enable(&features, flag(control), flag(c.FullSubgroups), flag(c.IntegerDot), flag(matrices))
	for _, e := range []struct {
		on   bool
		name string
	}{
		{c.sizeControlByName && control, "VK_EXT_subgroup_size_control\x00"},
		{c.integerDotByName && c.IntegerDot, "VK_KHR_shader_integer_dot_product\x00"},
		{matrices, "VK_KHR_cooperative_matrix\x00"},
		{c.portabilitySubset, "VK_KHR_portability_subset\x00"},
	} {
		if e.on {
			info.PpEnabledExtensionNames = append(info.PpEnabledExtensionNames, e.name)
		}
	}
	info.EnabledExtensionCount = uint32(len(info.PpEnabledExtensionNames))
	device, err := made(p, "create device", c.Name, binding.CreateDevice, info)
	return as[binding.Device](device), err
}

// flag is a truth as C has it.
func flag(on bool) C.int {
	if on {
		return 1
	}
	return 0
}

func (n *native) close() {
	binding.DestroyDevice(n.device, nil)
	C.mn_device_free(n.shim)
	releaseInstance()
}

var destroyers = [objects]func(binding.Device, handle){
	objBuffer:         destroyer(binding.DestroyBuffer),
	objMemory:         destroyer(binding.FreeMemory),
	objSetLayout:      destroyer(binding.DestroyDescriptorSetLayout),
	objPipelineLayout: destroyer(binding.DestroyPipelineLayout),
	objPipelineCache:  destroyer(binding.DestroyPipelineCache),
	objPipeline:       destroyer(binding.DestroyPipeline),
	objView:           destroyer(binding.DestroyBufferView),
	objSets:           destroyer(binding.DestroyDescriptorPool),
	objCommands:       destroyer(binding.DestroyCommandPool),
	objQueries:        destroyer(binding.DestroyQueryPool),
	objFence:          destroyer(binding.DestroyFence),
}

func (n *native) destroy(kind object, h handle) { destroyers[kind](n.device, h) }

func (n *native) createBuffer(size uint64) (handle, requirements, error) {
	b, err := made(n.device, "create buffer", "", binding.CreateBuffer, binding.BufferCreateInfo{
		SType: binding.StructureTypeBufferCreateInfo, Size: binding.DeviceSize(size),
		Usage: binding.BufferUsageStorageBufferBit | binding.BufferUsageUniformTexelBufferBit | binding.BufferUsageIndirectBufferBit |
			binding.BufferUsageTransferSrcBit | binding.BufferUsageTransferDstBit,
	})
	if err != nil {
		return 0, requirements{}, err
	}
	var need requirements
	C.mn_requirements(n.shim, C.uint64_t(b), (*C.uint64_t)(&need.size), (*C.uint32_t)(&need.bits))
	return b, need, nil
}

func (n *native) allocate(size uint64, memoryType int) (handle, error) {
	return made(n.device, "allocate memory", "", binding.AllocateMemory, binding.MemoryAllocateInfo{
		SType: binding.StructureTypeMemoryAllocateInfo, AllocationSize: binding.DeviceSize(size), MemoryTypeIndex: uint32(memoryType),
	})
}

func (n *native) bind(buffer, memory handle) error {
	return failed("bind memory", "", binding.BindBufferMemory(n.device, as[binding.Buffer](buffer), as[binding.DeviceMemory](memory), 0))
}

func (n *native) mapMemory(memory handle, size uint64) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	err := failed("map memory", "", binding.MapMemory(n.device, as[binding.DeviceMemory](memory), 0, binding.DeviceSize(size), 0, &p))
	return p, err
}

func (n *native) createFence() (handle, error) {
	return made(n.device, "create fence", "", binding.CreateFence, binding.FenceCreateInfo{SType: binding.StructureTypeFenceCreateInfo})
}

func (n *native) createQueries(count int) (handle, error) {
	return made(n.device, "create query pool", "", binding.CreateQueryPool, binding.QueryPoolCreateInfo{
		SType: binding.StructureTypeQueryPoolCreateInfo, QueryType: binding.QueryTypeTimestamp, QueryCount: uint32(count),
	})
}

func (n *native) timestamps(pool handle, count int) ([]uint64, error) {
	ticks := make([]uint64, count)
	r := C.mn_timestamps(n.shim, C.uint64_t(pool), C.uint32_t(count), (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(ticks))))
	return ticks, failed("read timestamps", "", r)
}

func (n *native) createCommands(count int) (handle, []command, error) {
	pool, err := made(n.device, "create command pool", "", binding.CreateCommandPool, binding.CommandPoolCreateInfo{
		SType: binding.StructureTypeCommandPoolCreateInfo, QueueFamilyIndex: n.family, Flags: binding.CommandPoolCreateResetCommandBuffer,
	})
	if err != nil {
		return 0, nil, err
	}
	commands := make([]command, count)
	r := C.mn_commands(n.shim, C.uint64_t(pool), C.uint32_t(count), (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(commands))))
	if err := failed("allocate command buffers", "", r); err != nil {
		n.destroy(objCommands, pool)
		return 0, nil, err
	}
	return pool, commands, nil
}

func (n *native) record(commands []command, s stream, oneTime bool) error {
	flags := C.uint32_t(4) // simultaneous use: a program may be in flight more than once
	if oneTime {
		flags = 1
	}
	r := C.mn_record(n.shim, (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(commands))), C.size_t(len(commands)),
		(*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(s))), C.size_t(len(s)), flags)
	return failed("record", "", r)
}

func (n *native) submit(commands []command, fence handle) error {
	r := C.mn_submit(n.shim, (*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData(commands))), C.uint32_t(len(commands)), C.uint64_t(fence))
	return failed("submit", "", r)
}

func (n *native) wait(fence handle, limit time.Duration) (bool, error) {
	r := Result(C.mn_wait(n.shim, C.uint64_t(fence), C.uint64_t(limit.Nanoseconds())))
	if r == resultTimeout {
		return false, nil
	}
	return r == 0, failed("wait", "", r)
}

func (n *native) reset(fence handle) error {
	return failed("reset fence", "", C.mn_reset(n.shim, C.uint64_t(fence)))
}

func (n *native) waitIdle() error {
	return failed("wait for the device", "", binding.DeviceWaitIdle(n.device))
}
