//go:build cgo

package vk

// #cgo CFLAGS: -O2
// #cgo linux LDFLAGS: -ldl
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"

	"muninn/vk/internal/binding"
)

// runtimeState is the Vulkan instance that all devices of the process share, while anyone uses it.
var runtimeState struct {
	sync.Mutex
	loaded   bool
	users    int
	instance binding.Instance
}

// acquireInstance returns the instance, made for the first user.
func acquireInstance() (binding.Instance, error) {
	r := &runtimeState
	r.Lock()
	defer r.Unlock()
	if r.users == 0 {
		if !r.loaded {
			proc := C.mn_load()
			if proc == nil {
				return nil, ErrNoLoader
			}
			binding.SetGetInstanceProcAddr(proc)
			if err := binding.Init(); err != nil {
				return nil, fmt.Errorf("%w: %v", ErrNoLoader, err)
			}
			r.loaded = true
		}
		var err error
		if r.instance, err = createInstance(); err != nil {
			return nil, err
		}
	}
	r.users++
	return r.instance, nil
}

// releaseInstance destroys the instance after its last user.
func releaseInstance() {
	r := &runtimeState
	r.Lock()
	defer r.Unlock()
	if r.users--; r.users == 0 {
		binding.DestroyInstance(r.instance, nil)
		r.instance = nil
	}
}

const (
	version11 = 1<<22 | 1<<12
	version13 = 1<<22 | 3<<12
)

func createInstance() (binding.Instance, error) {
	var spoken C.uint32_t
	if err := setupFailed("ask for the version", Result(C.mn_instance_version(&spoken)), loaderPath()); err != nil {
		return nil, err
	}
	if spoken < version11 {
		return nil, unsupported("the Vulkan loader speaks only Vulkan 1.0, 1.1 is needed; update the Vulkan runtime")
	}
	app := binding.ApplicationInfo{
		SType:            binding.StructureTypeApplicationInfo,
		PApplicationName: "muninn\x00", PEngineName: "muninn\x00",
		ApiVersion: min(uint32(spoken), version13),
	}
	defer app.Free()
	info := binding.InstanceCreateInfo{SType: binding.StructureTypeInstanceCreateInfo, PApplicationInfo: &app}
	defer info.Free()
	if runtime.GOOS == "darwin" && C.mn_enumerates_portability() != 0 {
		info.Flags = 1 // list them
		info.PpEnabledExtensionNames = []string{"VK_KHR_portability_enumeration\x00"}
		info.EnabledExtensionCount = 1
	}
	var instance binding.Instance
	if err := setupFailed("create instance", Result(binding.CreateInstance(&info, nil, &instance)), loaderPath()); err != nil {
		return nil, err
	}
	// Without this every later call of the binding jumps through a null pointer.
	if err := binding.InitInstance(instance); err != nil {
		return nil, fmt.Errorf("vk: create instance: %w", err)
	}
	return instance, nil
}

func loaderPath() string { return C.GoString(C.mn_loader_path()) }

// failed turns a result code into an error, or nil for success.
func failed[R ~int32](op, name string, r R) error {
	if r == 0 {
		return nil
	}
	return &Error{Op: op, Name: name, Result: Result(r)}
}

// physicalDevices lists the instance's physical devices with what is known of each.
func physicalDevices(instance binding.Instance) ([]binding.PhysicalDevice, []Caps, error) {
	count := uint32(64) // more are cut off
	list := make([]binding.PhysicalDevice, count)
	const incomplete = 5
	if r := Result(binding.EnumeratePhysicalDevices(instance, &count, list)); r != incomplete {
		if err := setupFailed("list devices", r, loaderPath()); err != nil {
			return nil, nil, err
		}
	}
	if count == 0 {
		return nil, nil, ErrNoDriver
	}
	list = list[:count]
	caps := make([]Caps, len(list))
	for i, p := range list {
		c, err := query(instance, p)
		if err != nil {
			return nil, nil, err
		}
		c.Index = i
		caps[i] = c
	}
	return list, caps, nil
}

// Devices lists the physical devices. Its errors tell ErrNoCgo, ErrNoLoader and ErrNoDriver apart.
func Devices() ([]Caps, error) {
	instance, err := acquireInstance()
	if err != nil {
		return nil, err
	}
	defer releaseInstance()
	_, caps, err := physicalDevices(instance)
	return caps, err
}

// nativeOpen opens the device that choose picks from the list.
func nativeOpen(choose func([]Caps) (int, error)) (Caps, driver, error) {
	instance, err := acquireInstance()
	if err != nil {
		return Caps{}, nil, err
	}
	list, caps, err := physicalDevices(instance)
	if err == nil {
		var i int
		if i, err = choose(caps); err == nil {
			var n *native
			if n, err = openNative(instance, list[i], &caps[i]); err == nil {
				return caps[i], n, nil
			}
		}
	}
	releaseInstance()
	return Caps{}, nil, err
}
