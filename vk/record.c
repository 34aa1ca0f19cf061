//go:build cgo

#include "shim.h"

#include <stdlib.h>

struct mn_device {
	VkDispatchable device, queue;
	void(VKAPI *get_queue)(VkDispatchable, uint32_t, uint32_t, VkDispatchable *);
	void(VKAPI *requirements)(VkDispatchable, VkHandle, VkMemoryRequirements *);
	VkResult(VKAPI *allocate_commands)(VkDispatchable, const VkCommandBufferAllocateInfo *, VkDispatchable *);
	VkResult(VKAPI *begin)(VkDispatchable, const VkCommandBufferBeginInfo *);
	VkResult(VKAPI *end)(VkDispatchable);
	void(VKAPI *bind_pipeline)(VkDispatchable, uint32_t, VkHandle);
	void(VKAPI *bind_sets)(VkDispatchable, uint32_t, VkHandle, uint32_t, uint32_t, const VkHandle *, uint32_t, const uint32_t *);
	void(VKAPI *push)(VkDispatchable, VkHandle, uint32_t, uint32_t, uint32_t, const void *);
	void(VKAPI *dispatch)(VkDispatchable, uint32_t, uint32_t, uint32_t);
	void(VKAPI *dispatch_base)(VkDispatchable, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
	void(VKAPI *indirect)(VkDispatchable, VkHandle, uint64_t);
	void(VKAPI *barrier)(VkDispatchable, uint32_t, uint32_t, uint32_t, uint32_t, const VkMemoryBarrier *, uint32_t, const void *, uint32_t, const void *);
	void(VKAPI *copy)(VkDispatchable, VkHandle, VkHandle, uint32_t, const VkBufferCopy *);
	void(VKAPI *fill)(VkDispatchable, VkHandle, uint64_t, uint64_t, uint32_t);
	void(VKAPI *reset_queries)(VkDispatchable, VkHandle, uint32_t, uint32_t);
	void(VKAPI *timestamp)(VkDispatchable, uint32_t, VkHandle, uint32_t);
	VkResult(VKAPI *query_results)(VkDispatchable, VkHandle, uint32_t, uint32_t, size_t, void *, uint64_t, uint32_t);
	VkResult(VKAPI *submit)(VkDispatchable, uint32_t, const VkSubmitInfo *, VkHandle);
	VkResult(VKAPI *wait_fences)(VkDispatchable, uint32_t, const VkHandle *, VkBool32, uint64_t);
	VkResult(VKAPI *reset_fences)(VkDispatchable, uint32_t, const VkHandle *);
	VkResult(VKAPI *allocate_sets)(VkDispatchable, const VkDescriptorSetAllocateInfo *, VkHandle *);
	VkResult(VKAPI *create_pipelines)(VkDispatchable, VkHandle, uint32_t, const VkComputePipeline *, const void *, VkHandle *);
	void(VKAPI *update_sets)(VkDispatchable, uint32_t, const VkWriteDescriptorSet *, uint32_t, const void *);
};

mn_device *mn_device_new(VkDispatchable instance, VkDispatchable device, uint32_t family, const char **missing) {
	*missing = "vkGetInstanceProcAddr";
	PFN_getProcAddr from_instance = (PFN_getProcAddr)mn_load();
	if (!from_instance) return NULL;
	*missing = "vkGetDeviceProcAddr";
	PFN_getProcAddr get = (PFN_getProcAddr)from_instance(instance, "vkGetDeviceProcAddr");
	if (!get) return NULL;
	mn_device *d = calloc(1, sizeof *d);
	*missing = "memory";
	if (!d) return NULL;
	d->device = device;
#define LOAD(field, name)                                  \
	do {                                                   \
		*missing = name;                                   \
		if (!(*(PFN_void *)&d->field = get(device, name))) { \
			free(d);                                       \
			return NULL;                                   \
		}                                                  \
	} while (0)
	LOAD(get_queue, "vkGetDeviceQueue");
	LOAD(requirements, "vkGetBufferMemoryRequirements");
	LOAD(allocate_commands, "vkAllocateCommandBuffers");
	LOAD(begin, "vkBeginCommandBuffer");
	LOAD(end, "vkEndCommandBuffer");
	LOAD(bind_pipeline, "vkCmdBindPipeline");
	LOAD(bind_sets, "vkCmdBindDescriptorSets");
	LOAD(push, "vkCmdPushConstants");
	LOAD(dispatch, "vkCmdDispatch");
	LOAD(dispatch_base, "vkCmdDispatchBase");
	LOAD(indirect, "vkCmdDispatchIndirect");
	LOAD(barrier, "vkCmdPipelineBarrier");
	LOAD(copy, "vkCmdCopyBuffer");
	LOAD(fill, "vkCmdFillBuffer");
	LOAD(reset_queries, "vkCmdResetQueryPool");
	LOAD(timestamp, "vkCmdWriteTimestamp");
	LOAD(query_results, "vkGetQueryPoolResults");
	LOAD(submit, "vkQueueSubmit");
	LOAD(wait_fences, "vkWaitForFences");
	LOAD(reset_fences, "vkResetFences");
	LOAD(allocate_sets, "vkAllocateDescriptorSets");
	LOAD(create_pipelines, "vkCreateComputePipelines");
	LOAD(update_sets, "vkUpdateDescriptorSets");
	d->get_queue(device, family, 0, &d->queue);
	return d;
}

void mn_device_free(mn_device *d) { free(d); }

enum { BIND_COMPUTE = 1, SHADER_COMPUTE = 0x20, STAGE_BOTTOM = 0x2000, UNIFORM_TEXEL_BUFFER = 4, STORAGE_BUFFER = 7 };

VkResult mn_pipeline(mn_device *d, uint64_t cache, uint64_t module, uint64_t layout, const char *entry, const uint32_t *constants,
                     uint32_t count, uint32_t subgroup_size, int full_subgroups, uint64_t *pipeline) {
	enum { REQUIRE_FULL_SUBGROUPS = 2, DISPATCH_BASE = 0x10 };
	VkSpecializationMapEntry entries[MN_CONSTANTS];
	if (count > MN_CONSTANTS) return MN_BAD_STREAM;
	for (uint32_t i = 0; i < count; i++) entries[i] = (VkSpecializationMapEntry){i, 4 * i, 4};
	VkSpecializationInfo specialization = {count, entries, 4 * (size_t)count, constants};
	VkRequiredSubgroupSize size = {ST_REQUIRED_SUBGROUP_SIZE, NULL, subgroup_size};
	VkComputePipeline info = {.sType = ST_COMPUTE_PIPELINE, .flags = DISPATCH_BASE, .layout = layout, .baseIndex = -1};
	info.stage = (VkShaderStage){ST_SHADER_STAGE, subgroup_size ? &size : NULL, subgroup_size && full_subgroups ? REQUIRE_FULL_SUBGROUPS : 0,
	                             SHADER_COMPUTE, module, entry, count ? &specialization : NULL};
	return d->create_pipelines(d->device, cache, 1, &info, NULL, pipeline);
}

void mn_requirements(mn_device *d, uint64_t buffer, uint64_t *size, uint32_t *types) {
	VkMemoryRequirements r = {0};
	d->requirements(d->device, buffer, &r);
	*size = r.size, *types = r.types;
}

VkResult mn_commands(mn_device *d, uint64_t pool, uint32_t count, uintptr_t *commands) {
	VkCommandBufferAllocateInfo info = {ST_COMMAND_BUFFER_ALLOCATE_INFO, NULL, pool, 0, count};
	return d->allocate_commands(d->device, &info, (VkDispatchable *)commands);
}

// take returns the operands of an op and moves past them, or NULL when the stream ends too early.
static const uint64_t *take(const uint64_t *words, size_t n, size_t *at, size_t count) {
	if (count > n - *at) return NULL;
	const uint64_t *o = words + *at;
	*at += count;
	return o;
}

VkResult mn_record(mn_device *d, const uintptr_t *commands, size_t count, const uint64_t *words, size_t n, uint32_t flags) {
	VkCommandBufferBeginInfo info = {ST_COMMAND_BUFFER_BEGIN_INFO, NULL, flags, NULL};
	VkDispatchable cb = NULL;
	size_t next = 0;
	VkResult r;
	const uint64_t *o;
	for (size_t at = 0; at < n;) {
		uint64_t op = words[at++];
		if (op != MN_SEGMENT && !cb) return MN_BAD_STREAM;
#define OPERANDS(k) \
	if (!(o = take(words, n, &at, (k)))) return MN_BAD_STREAM
		switch (op) {
		case MN_SEGMENT:
			if (next >= count) return MN_BAD_STREAM;
			if (cb && (r = d->end(cb)) != 0) return r;
			cb = (VkDispatchable)commands[next++];
			if ((r = d->begin(cb, &info)) != 0) return r;
			break;
		case MN_PIPELINE:
			OPERANDS(1);
			d->bind_pipeline(cb, BIND_COMPUTE, o[0]);
			break;
		case MN_SET:
			OPERANDS(2);
			d->bind_sets(cb, BIND_COMPUTE, o[0], 0, 1, &o[1], 0, NULL);
			break;
		case MN_PUSH: {
			OPERANDS(2);
			VkHandle layout = o[0];
			uint64_t bytes = o[1];
			OPERANDS((bytes + 7) / 8);
			d->push(cb, layout, SHADER_COMPUTE, 0, (uint32_t)bytes, o);
			break;
		}
		case MN_DISPATCH:
			OPERANDS(3);
			d->dispatch(cb, (uint32_t)o[0], (uint32_t)o[1], (uint32_t)o[2]);
			break;
		case MN_DISPATCH_BASE:
			OPERANDS(6);
			d->dispatch_base(cb, (uint32_t)o[0], (uint32_t)o[1], (uint32_t)o[2], (uint32_t)o[3], (uint32_t)o[4], (uint32_t)o[5]);
			break;
		case MN_INDIRECT:
			OPERANDS(2);
			d->indirect(cb, o[0], o[1]);
			break;
		case MN_BARRIER: {
			OPERANDS(4);
			VkMemoryBarrier b = {ST_MEMORY_BARRIER, NULL, (uint32_t)o[1], (uint32_t)o[3]};
			d->barrier(cb, (uint32_t)o[0], (uint32_t)o[2], 0, 1, &b, 0, NULL, 0, NULL);
			break;
		}
		case MN_COPY: {
			OPERANDS(5);
			VkBufferCopy c = {o[1], o[3], o[4]};
			d->copy(cb, o[0], o[2], 1, &c);
			break;
		}
		case MN_FILL:
			OPERANDS(4);
			d->fill(cb, o[0], o[1], o[2], (uint32_t)o[3]);
			break;
		case MN_RESET:
			OPERANDS(2);
			d->reset_queries(cb, o[0], 0, (uint32_t)o[1]);
			break;
		case MN_TIMESTAMP:
			OPERANDS(2);
			d->timestamp(cb, STAGE_BOTTOM, o[0], (uint32_t)o[1]);
			break;
		default:
			return MN_BAD_STREAM;
		}
	}
	if (next != count || !cb) return MN_BAD_STREAM;
	return d->end(cb);
}

VkResult mn_submit(mn_device *d, const uintptr_t *commands, uint32_t count, uint64_t fence) {
	VkSubmitInfo s = {ST_SUBMIT_INFO};
	s.commandCount = count;
	s.commands = (const VkDispatchable *)commands;
	return d->submit(d->queue, 1, &s, fence);
}

VkResult mn_wait(mn_device *d, uint64_t fence, uint64_t nanoseconds) {
	return d->wait_fences(d->device, 1, &fence, 1, nanoseconds);
}

VkResult mn_reset(mn_device *d, uint64_t fence) { return d->reset_fences(d->device, 1, &fence); }

VkResult mn_timestamps(mn_device *d, uint64_t pool, uint32_t count, uint64_t *ticks) {
	enum { RESULT_64 = 1, RESULT_WAIT = 2 };
	return d->query_results(d->device, pool, 0, count, count * sizeof *ticks, ticks, sizeof *ticks, RESULT_64 | RESULT_WAIT);
}

VkResult mn_sets(mn_device *d, uint64_t pool, const uint64_t *layouts, const uint32_t *lengths, uint32_t count,
                 const mn_descriptor *next, uint64_t *sets) {
	VkDescriptorSetAllocateInfo info = {ST_DESCRIPTOR_SET_ALLOCATE_INFO, NULL, pool, count, layouts};
	VkResult r = d->allocate_sets(d->device, &info, sets);
	if (r != 0) return r;
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < lengths[i]; k++, next++) {
			VkDescriptorBufferInfo b = {next->buffer, next->offset, next->range};
			VkWriteDescriptorSet w = {ST_WRITE_DESCRIPTOR_SET};
			w.set = sets[i], w.binding = next->binding, w.count = 1;
			if (next->texel)
				w.type = UNIFORM_TEXEL_BUFFER, w.views = &next->buffer;
			else
				w.type = STORAGE_BUFFER, w.buffer = &b;
			d->update_sets(d->device, 1, &w, 0, NULL);
		}
	}
	return 0;
}
