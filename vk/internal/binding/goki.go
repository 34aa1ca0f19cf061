//go:build cgo && !vulkango

// Package binding names the Vulkan 1.0 identifiers that package vk uses for set-up and teardown, from one of two
// generated bindings: goki/vulkan by default, vulkan-go/vulkan with the build tag vulkango. The two cannot be linked
// into one binary, and compiling against both keeps package vk from leaning on either.
//
// Rules for callers, each learnt from a crash: out-parameters are local variables; struct slices are fresh for every
// call; Free is called on every struct passed by pointer; Go memory that a struct points to is pinned for the call;
// InitInstance follows CreateInstance at once.
package binding

import vk "github.com/goki/vulkan"

// Size is the binding's type for size_t.
type Size = uint64

// Types.
type (
	AllocationCallbacks           = vk.AllocationCallbacks
	ApplicationInfo               = vk.ApplicationInfo
	Buffer                        = vk.Buffer
	BufferCreateInfo              = vk.BufferCreateInfo
	BufferViewCreateInfo          = vk.BufferViewCreateInfo
	CommandPoolCreateInfo         = vk.CommandPoolCreateInfo
	DescriptorPoolCreateInfo      = vk.DescriptorPoolCreateInfo
	DescriptorPoolSize            = vk.DescriptorPoolSize
	DescriptorSetLayout           = vk.DescriptorSetLayout
	DescriptorSetLayoutBinding    = vk.DescriptorSetLayoutBinding
	DescriptorSetLayoutCreateInfo = vk.DescriptorSetLayoutCreateInfo
	Device                        = vk.Device
	DeviceCreateInfo              = vk.DeviceCreateInfo
	DeviceMemory                  = vk.DeviceMemory
	DeviceQueueCreateInfo         = vk.DeviceQueueCreateInfo
	DeviceSize                    = vk.DeviceSize
	Format                        = vk.Format
	FenceCreateInfo               = vk.FenceCreateInfo
	Instance                      = vk.Instance
	InstanceCreateInfo            = vk.InstanceCreateInfo
	MemoryAllocateInfo            = vk.MemoryAllocateInfo
	PhysicalDevice                = vk.PhysicalDevice
	PhysicalDeviceProperties      = vk.PhysicalDeviceProperties
	PipelineCache                 = vk.PipelineCache
	PipelineCacheCreateInfo       = vk.PipelineCacheCreateInfo
	PipelineLayoutCreateInfo      = vk.PipelineLayoutCreateInfo
	PushConstantRange             = vk.PushConstantRange
	QueryPoolCreateInfo           = vk.QueryPoolCreateInfo
	Result                        = vk.Result
	ShaderModuleCreateInfo        = vk.ShaderModuleCreateInfo
)

// Functions, all of Vulkan 1.0: what makes an object beside what destroys it, then the others.
var (
	CreateBuffer, DestroyBuffer                           = vk.CreateBuffer, vk.DestroyBuffer
	CreateBufferView, DestroyBufferView                   = vk.CreateBufferView, vk.DestroyBufferView
	CreateCommandPool, DestroyCommandPool                 = vk.CreateCommandPool, vk.DestroyCommandPool
	CreateDescriptorPool, DestroyDescriptorPool           = vk.CreateDescriptorPool, vk.DestroyDescriptorPool
	CreateDescriptorSetLayout, DestroyDescriptorSetLayout = vk.CreateDescriptorSetLayout, vk.DestroyDescriptorSetLayout
	CreateDevice, DestroyDevice                           = vk.CreateDevice, vk.DestroyDevice
	CreateFence, DestroyFence                             = vk.CreateFence, vk.DestroyFence
	CreateInstance, DestroyInstance                       = vk.CreateInstance, vk.DestroyInstance
	CreatePipelineCache, DestroyPipelineCache             = vk.CreatePipelineCache, vk.DestroyPipelineCache
	CreatePipelineLayout, DestroyPipelineLayout           = vk.CreatePipelineLayout, vk.DestroyPipelineLayout
	CreateQueryPool, DestroyQueryPool                     = vk.CreateQueryPool, vk.DestroyQueryPool
	CreateShaderModule, DestroyShaderModule               = vk.CreateShaderModule, vk.DestroyShaderModule
	AllocateMemory, FreeMemory                            = vk.AllocateMemory, vk.FreeMemory

	BindBufferMemory            = vk.BindBufferMemory
	DestroyPipeline             = vk.DestroyPipeline
	DeviceWaitIdle              = vk.DeviceWaitIdle
	EnumeratePhysicalDevices    = vk.EnumeratePhysicalDevices
	GetPhysicalDeviceProperties = vk.GetPhysicalDeviceProperties
	GetPipelineCacheData        = vk.GetPipelineCacheData
	Init                        = vk.Init
	InitInstance                = vk.InitInstance
	MapMemory                   = vk.MapMemory
	MergePipelineCaches         = vk.MergePipelineCaches
	SetGetInstanceProcAddr      = vk.SetGetInstanceProcAddr
)
