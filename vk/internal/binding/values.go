//go:build cgo

package binding

// Values as the Vulkan specification numbers them; both bindings have them under these names as well.
const (
	StructureTypeApplicationInfo               = 0
	StructureTypeInstanceCreateInfo            = 1
	StructureTypeDeviceQueueCreateInfo         = 2
	StructureTypeDeviceCreateInfo              = 3
	StructureTypeMemoryAllocateInfo            = 5
	StructureTypeFenceCreateInfo               = 8
	StructureTypeQueryPoolCreateInfo           = 11
	StructureTypeBufferCreateInfo              = 12
	StructureTypeBufferViewCreateInfo          = 13
	StructureTypeShaderModuleCreateInfo        = 16
	StructureTypePipelineCacheCreateInfo       = 17
	StructureTypePipelineLayoutCreateInfo      = 30
	StructureTypeDescriptorSetLayoutCreateInfo = 32
	StructureTypeDescriptorPoolCreateInfo      = 33
	StructureTypeCommandPoolCreateInfo         = 39

	BufferUsageIndirectBufferBit        = 256
	BufferUsageStorageBufferBit         = 32
	BufferUsageTransferDstBit           = 2
	BufferUsageTransferSrcBit           = 1
	BufferUsageUniformTexelBufferBit    = 4
	CommandPoolCreateResetCommandBuffer = 2
	DescriptorTypeStorageBuffer         = 7
	DescriptorTypeUniformTexelBuffer    = 4
	FormatR32Sfloat                     = 100
	FormatR32Uint                       = 98
	FormatR32g32b32a32Sfloat            = 109
	FormatR32g32b32a32Uint              = 107
	QueryTypeTimestamp                  = 2
	ShaderStageComputeBit               = 32
)
