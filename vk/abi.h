// The part of Vulkan's C interface that shim.c calls, declared here so that a build needs no Vulkan headers.
// Names, values and layouts are those of the Vulkan specification, 1.0 to 1.3.
#ifndef MUNINN_VK_ABI_H
#define MUNINN_VK_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define VKAPI __stdcall
#else
#define VKAPI
#endif

typedef void *VkDispatchable;  // instance, physical device, device, queue, command buffer
typedef uint64_t VkHandle;     // everything else
typedef int32_t VkResult;
typedef uint32_t VkBool32;

typedef void(VKAPI *PFN_void)(void);
typedef PFN_void(VKAPI *PFN_getProcAddr)(VkDispatchable, const char *);

enum {
	ST_SUBMIT_INFO = 4,
	ST_SHADER_STAGE = 18,
	ST_COMPUTE_PIPELINE = 29,
	ST_DESCRIPTOR_SET_ALLOCATE_INFO = 34,
	ST_WRITE_DESCRIPTOR_SET = 35,
	ST_COMMAND_BUFFER_ALLOCATE_INFO = 40,
	ST_COMMAND_BUFFER_BEGIN_INFO = 42,
	ST_MEMORY_BARRIER = 46,
	ST_FEATURES_2 = 1000059000,
	ST_PROPERTIES_2 = 1000059001,
	ST_MEMORY_PROPERTIES_2 = 1000059006,
	ST_ID_PROPERTIES = 1000071004,
	ST_FLOAT16_INT8_FEATURES = 1000082000,
	ST_16BIT_STORAGE_FEATURES = 1000083000,
	ST_SUBGROUP_PROPERTIES = 1000094000,
	ST_MAINTENANCE_3_PROPERTIES = 1000168000,
	ST_8BIT_STORAGE_FEATURES = 1000177000,
	ST_DRIVER_PROPERTIES = 1000196000,
	ST_MEMORY_MODEL_FEATURES = 1000211000,
	ST_SUBGROUP_SIZE_CONTROL_PROPERTIES = 1000225000,
	ST_REQUIRED_SUBGROUP_SIZE = 1000225001,
	ST_SUBGROUP_SIZE_CONTROL_FEATURES = 1000225002,
	ST_MEMORY_BUDGET_PROPERTIES = 1000237000,
	ST_INTEGER_DOT_FEATURES = 1000280000,
	ST_INTEGER_DOT_PROPERTIES = 1000280001,
	ST_MAINTENANCE_4_PROPERTIES = 1000413001,
	ST_COOPERATIVE_MATRIX_FEATURES = 1000506000,
	ST_COOPERATIVE_MATRIX = 1000506001,
	ST_COOPERATIVE_MATRIX_PROPERTIES = 1000506002,
};

typedef struct VkNode {
	uint32_t sType;
	void *pNext;
} VkNode;

// Features2 and Properties2 end in a large 1.0 struct which is not read here: only room for it is kept.
typedef struct { uint32_t sType; void *pNext; uint32_t features[64]; } VkFeatures2;
typedef struct { uint32_t sType; void *pNext; uint64_t properties[128]; } VkProperties2;

typedef struct { uint32_t sType; void *pNext; uint8_t deviceUUID[16], driverUUID[16], luid[8]; uint32_t nodeMask; VkBool32 luidValid; } VkIDProperties;
typedef struct { uint32_t sType; void *pNext; uint32_t size, stages, operations; VkBool32 quad; } VkSubgroupProperties;
typedef struct { uint32_t sType; void *pNext; uint32_t maxPerSetDescriptors; uint64_t maxMemoryAllocationSize; } VkMaintenance3Properties;
typedef struct { uint32_t sType; void *pNext; uint64_t maxBufferSize; } VkMaintenance4Properties;
typedef struct { uint32_t sType; void *pNext; uint32_t driverID; char name[256], info[256]; uint8_t conformance[4]; } VkDriverProperties;
typedef struct { uint32_t sType; void *pNext; uint32_t minSize, maxSize, maxWorkgroupSubgroups, stages; } VkSubgroupSizeControlProperties;
typedef struct { uint32_t sType; void *pNext; VkBool32 accelerated[30]; } VkIntegerDotProperties;
typedef struct { uint32_t sType; void *pNext; uint64_t budget[16], usage[16]; } VkMemoryBudgetProperties;

typedef struct { uint32_t sType; void *pNext; VkBool32 storageBuffer, uniform, push, inputOutput; } Vk16BitStorageFeatures;
typedef struct { uint32_t sType; void *pNext; VkBool32 storageBuffer, uniform, push; } Vk8BitStorageFeatures;
typedef struct { uint32_t sType; void *pNext; VkBool32 float16, int8; } VkFloat16Int8Features;
typedef struct { uint32_t sType; void *pNext; VkBool32 sizeControl, fullSubgroups; } VkSubgroupSizeControlFeatures;
typedef struct { uint32_t sType; void *pNext; VkBool32 integerDot; } VkIntegerDotFeatures;
typedef struct { uint32_t sType; void *pNext; VkBool32 model, deviceScope, chains; } VkMemoryModelFeatures;
typedef struct { uint32_t sType; void *pNext; VkBool32 matrix, robust; } VkCooperativeMatrixFeatures;
typedef struct { uint32_t sType; void *pNext; uint32_t stages; } VkCooperativeMatrixProperties;
typedef struct { uint32_t sType; void *pNext; uint32_t m, n, k, a, b, c, result; VkBool32 saturating; uint32_t scope; } VkCooperativeMatrix;

typedef struct { uint32_t sType; void *pNext; uint32_t requiredSubgroupSize; } VkRequiredSubgroupSize;
typedef struct { uint32_t id, offset; size_t size; } VkSpecializationMapEntry;
typedef struct { uint32_t count; const VkSpecializationMapEntry *entries; size_t dataSize; const void *data; } VkSpecializationInfo;
typedef struct {
	uint32_t sType; const void *pNext; uint32_t flags, stage; VkHandle module; const char *name; const VkSpecializationInfo *specialization;
} VkShaderStage;
typedef struct { uint32_t sType; const void *pNext; uint32_t flags; VkShaderStage stage; VkHandle layout, base; int32_t baseIndex; } VkComputePipeline;

typedef struct { uint64_t size, alignment; uint32_t types; } VkMemoryRequirements;
typedef struct { uint32_t flags, heap; } VkMemoryType;
typedef struct { uint64_t size; uint32_t flags; } VkMemoryHeap;
typedef struct {
	uint32_t sType;
	void *pNext;
	uint32_t typeCount;
	VkMemoryType types[32];
	uint32_t heapCount;
	VkMemoryHeap heaps[16];
} VkMemoryProperties2;

typedef struct { char name[256]; uint32_t version; } VkExtension;

typedef struct { uint32_t flags, queueCount, timestampBits, granularity[3]; } VkQueueFamily;

typedef struct { uint32_t sType; const void *pNext; VkHandle pool; uint32_t level, count; } VkCommandBufferAllocateInfo;
typedef struct { uint32_t sType; const void *pNext; uint32_t flags; const void *inheritance; } VkCommandBufferBeginInfo;
typedef struct { uint32_t sType; const void *pNext; uint32_t srcAccess, dstAccess; } VkMemoryBarrier;
typedef struct { uint64_t srcOffset, dstOffset, size; } VkBufferCopy;
typedef struct {
	uint32_t sType;
	const void *pNext;
	uint32_t waitCount;
	const VkHandle *waits;
	const uint32_t *waitStages;
	uint32_t commandCount;
	const VkDispatchable *commands;
	uint32_t signalCount;
	const VkHandle *signals;
} VkSubmitInfo;
typedef struct { uint32_t sType; const void *pNext; VkHandle pool; uint32_t count; const VkHandle *layouts; } VkDescriptorSetAllocateInfo;
typedef struct { VkHandle buffer; uint64_t offset, range; } VkDescriptorBufferInfo;
typedef struct {
	uint32_t sType;
	const void *pNext;
	VkHandle set;
	uint32_t binding, element, count, type;
	const void *image;
	const VkDescriptorBufferInfo *buffer;
	const VkHandle *views;
} VkWriteDescriptorSet;

#endif
