// What the bindings cannot do: find the loader, ask for anything newer than Vulkan 1.0, record a whole program and
// submit it. Every function pointer is checked when it is loaded and named when it is missing.
#ifndef MUNINN_VK_SHIM_H
#define MUNINN_VK_SHIM_H

#include "abi.h"

// mn_load opens the Vulkan loader and returns its vkGetInstanceProcAddr, or NULL.
void *mn_load(void);

// mn_loader_path is the file that the loader was opened from, or its name when the system does not say.
const char *mn_loader_path(void);

// mn_instance_version gives the newest version the loader speaks, packed as Vulkan packs it; 1.0 if it lacks the function.
VkResult mn_instance_version(uint32_t *version);

// mn_enumerates_portability tells whether the loader can be asked for drivers that are not wholly Vulkan.
int mn_enumerates_portability(void);

enum { MN_MATRICES = 16 };

// mn_facts is what Vulkan 1.1 and later tell about a physical device, flattened.
typedef struct {
	uint8_t device_uuid[16], driver_uuid[16];
	char driver_name[256], driver_info[256];
	uint64_t max_allocation, max_buffer;
	uint32_t driver_id, subgroup_size, subgroup_stages, subgroup_operations;
	uint32_t subgroup_min, subgroup_max, max_subgroups, subgroup_required_stages, subgroup_control, full_subgroups;
	uint32_t float16, int8, storage16, storage8, integer_dot, integer_dot_4x8, integer_dot_mixed;
	uint32_t has_size_control_extension, has_integer_dot_extension, has_portability_subset, has_budget;
	uint32_t type_count, type_flags[32], type_heap[32];
	uint32_t heap_count, heap_flags[16];
	uint64_t heap_size[16], heap_budget[16], heap_used[16];
	uint32_t matrix_count, matrix_m[MN_MATRICES], matrix_n[MN_MATRICES], matrix_k[MN_MATRICES]; // halves in, floats out
	uint32_t queue_family, timestamp_bits; // of the family that the device is used through; ~0 for none
} mn_facts;

// mn_query fills facts for a physical device of the given version (its apiVersion). It returns 0, or -1 with the name of
// the function the loader lacks in *missing, or -2 when memory runs out.
int mn_query(VkDispatchable instance, VkDispatchable physical, uint32_t version, mn_facts *facts, const char **missing);

// mn_device_new loads the device functions and takes the family's first queue; NULL and *missing names the function that the driver lacks.
typedef struct mn_device mn_device;
mn_device *mn_device_new(VkDispatchable instance, VkDispatchable device, uint32_t family, const char **missing);
void mn_device_free(mn_device *d);

// mn_features is room for a chain of features. mn_enable chains those asked for, for pNext, or returns NULL: subgroup size control, with
// full subgroups or without, integer dot products, cooperative matrices of halves.
typedef struct {
	VkSubgroupSizeControlFeatures control;
	VkIntegerDotFeatures dot;
	VkFloat16Int8Features half;
	VkMemoryModelFeatures memory;
	VkCooperativeMatrixFeatures matrix;
} mn_features;
void *mn_enable(mn_features *f, int control, int full, int dot, int matrix);

// mn_pipeline builds a compute pipeline with count constants, ids 0 and up, at most MN_CONSTANTS; a subgroup size of 0
// requires none. Every pipeline may be dispatched from a base group, so that any dispatch can be cut. Not through the binding: the copies that it makes of nested structs may be collected during the call.
enum { MN_CONSTANTS = 16 };
VkResult mn_pipeline(mn_device *d, uint64_t cache, uint64_t module, uint64_t layout, const char *entry, const uint32_t *constants,
                     uint32_t count, uint32_t subgroup_size, int full_subgroups, uint64_t *pipeline);

// Ops of a recorded stream: one 64-bit word each for the op and every operand named.
enum {
	MN_SEGMENT,    // end the open command buffer, begin the next one
	MN_PIPELINE,   // pipeline
	MN_SET,        // layout, set
	MN_PUSH,       // layout, bytes, then bytes/8 words rounded up
	MN_DISPATCH,   // x, y, z
	MN_INDIRECT,   // buffer, offset
	MN_BARRIER,    // source stages, source access, destination stages, destination access
	MN_COPY,       // source, source offset, destination, destination offset, bytes
	MN_FILL,       // buffer, offset, bytes, 32-bit word
	MN_RESET,      // query pool, count
	MN_TIMESTAMP,  // query pool, index
	MN_DISPATCH_BASE, // first group x, y, z, groups x, y, z
};

// mn_requirements tells how many bytes of memory a buffer needs, and of which types, as bits.
void mn_requirements(mn_device *d, uint64_t buffer, uint64_t *size, uint32_t *types);

// mn_commands allocates primary command buffers from a pool.
VkResult mn_commands(mn_device *d, uint64_t pool, uint32_t count, uintptr_t *commands);

// mn_record turns a stream into the given command buffers. Flags are VkCommandBufferUsageFlags. MN_BAD_STREAM says
// that the stream does not fit its own lengths or the number of command buffers.
enum { MN_BAD_STREAM = -900000001 };
VkResult mn_record(mn_device *d, const uintptr_t *commands, size_t count, const uint64_t *words, size_t n, uint32_t flags);

VkResult mn_submit(mn_device *d, const uintptr_t *commands, uint32_t count, uint64_t fence);
VkResult mn_wait(mn_device *d, uint64_t fence, uint64_t nanoseconds);
VkResult mn_reset(mn_device *d, uint64_t fence);
VkResult mn_timestamps(mn_device *d, uint64_t pool, uint32_t count, uint64_t *ticks);

// mn_descriptor is a storage buffer's range or, with texel set, the view of a uniform texel buffer.
typedef struct {
	uint32_t binding, texel;
	uint64_t buffer, offset, range;
} mn_descriptor;

// mn_sets allocates count sets from a pool and writes them: set i has lengths[i] descriptors, taken in turn.
VkResult mn_sets(mn_device *d, uint64_t pool, const uint64_t *layouts, const uint32_t *lengths, uint32_t count,
                 const mn_descriptor *descriptors, uint64_t *sets);

#endif
