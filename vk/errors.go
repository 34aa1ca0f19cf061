package vk

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNoCgo       = errors.New("vk: built without cgo: no Vulkan; rebuild with CGO_ENABLED=1 and a C compiler")
	ErrNoLoader    = errors.New("vk: no Vulkan loader found; install the Vulkan runtime (libvulkan.so.1, vulkan-1.dll) or a graphics driver that brings it")
	ErrNoDriver    = errors.New("vk: the Vulkan loader found no driver; install one for the GPU, or a software driver such as lavapipe")
	ErrSetup       = errors.New("vk: Vulkan does not start")
	ErrNoDevice    = errors.New("vk: no such device")
	ErrUnsupported = errors.New("vk: unsupported by the device")
	ErrDeviceLost  = errors.New("vk: device lost")
	ErrOutOfMemory = errors.New("vk: out of memory")
	ErrClosed      = errors.New("vk: the device is closed")
)

// Result is a VkResult code.
type Result int32

// Result codes that this package acts upon.
const (
	resultOutOfHostMemory   Result = -1
	resultOutOfDeviceMemory Result = -2
	resultInitFailed        Result = -3
	resultDeviceLost        Result = -4
	resultOutOfPoolMemory   Result = -1000069000
	resultBadStream         Result = -900000001
	resultTimeout           Result = 2
)

var resultNames = map[Result]string{
	0: "VK_SUCCESS", 1: "VK_NOT_READY", resultTimeout: "VK_TIMEOUT", 5: "VK_INCOMPLETE",
	resultOutOfHostMemory: "VK_ERROR_OUT_OF_HOST_MEMORY", resultOutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	resultInitFailed: "VK_ERROR_INITIALIZATION_FAILED", resultDeviceLost: "VK_ERROR_DEVICE_LOST",
	-5: "VK_ERROR_MEMORY_MAP_FAILED", -6: "VK_ERROR_LAYER_NOT_PRESENT", -7: "VK_ERROR_EXTENSION_NOT_PRESENT",
	-8: "VK_ERROR_FEATURE_NOT_PRESENT", -9: "VK_ERROR_INCOMPATIBLE_DRIVER", -10: "VK_ERROR_TOO_MANY_OBJECTS",
	-12: "VK_ERROR_FRAGMENTED_POOL", -13: "VK_ERROR_UNKNOWN",
	resultOutOfPoolMemory: "VK_ERROR_OUT_OF_POOL_MEMORY", -1000012000: "VK_ERROR_INVALID_SHADER_NV",
	-1000072003: "VK_ERROR_INVALID_EXTERNAL_HANDLE", resultBadStream: "malformed command stream",
}

// String returns the name the Vulkan specification gives the code.
func (r Result) String() string {
	if s, ok := resultNames[r]; ok {
		return s
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// Error is a Vulkan call that failed.
type Error struct {
	Op     string // what was tried, such as "create pipeline"
	Name   string // the kernel, program or arena concerned; may be empty
	Result Result
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("vk: %s: %v", e.Op, e.Result)
	}
	return fmt.Sprintf("vk: %s %s: %v", e.Op, e.Name, e.Result)
}

// Is matches ErrDeviceLost and ErrOutOfMemory by result code.
func (e *Error) Is(target error) bool {
	switch e.Result {
	case resultDeviceLost:
		return target == ErrDeviceLost
	case resultOutOfHostMemory, resultOutOfDeviceMemory, resultOutOfPoolMemory:
		return target == ErrOutOfMemory
	}
	return false
}

// OutOfMemoryError tells what did not fit where. It matches ErrOutOfMemory.
type OutOfMemoryError struct {
	Name      string // the arena
	Requested uint64 // bytes
	Heap      uint64 // size in bytes of the heaps that the arena may use
	Used      uint64 // bytes this device object holds on them
	Device    bool   // one of them is device-local
}

func (e *OutOfMemoryError) Error() string {
	where := "host"
	if e.Device {
		where = "device"
	}
	return fmt.Sprintf("vk: out of %s memory: arena %s asked for %d MiB with %d MiB in use of a heap of %d MiB; choose a narrower weight format, a shorter context or a device with more memory",
		where, e.Name, ceil(e.Requested, 1<<20), ceil(e.Used, 1<<20), ceil(e.Heap, 1<<20))
}

// Is matches ErrOutOfMemory.
func (e *OutOfMemoryError) Is(target error) bool { return target == ErrOutOfMemory }

// DeviceLostError is what every call returns once the device is lost. It matches ErrDeviceLost.
type DeviceLostError struct {
	Last string // the last op submitted before the loss was seen
	Op   string // the call that reported the loss
}

func (e *DeviceLostError) Error() string {
	return fmt.Sprintf("vk: device lost (seen by %s; last op submitted: %s); close the device, open it again and reload", e.Op, e.Last)
}

// Is matches ErrDeviceLost.
func (e *DeviceLostError) Is(target error) bool { return target == ErrDeviceLost }

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
