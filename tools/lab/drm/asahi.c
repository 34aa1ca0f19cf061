// Stands in for the kernel's asahi, under Honeykrisp. The table of devices gives generation and variant (a letter's code) of the GPU, the chip, and
// how many clusters of how many cores it has.
#include "stand.h"

#include <errno.h>
#include <string.h>

#include <drm/asahi_drm.h>

static int get_params(const struct drm_asahi_get_params *g) {
	struct drm_asahi_params_global p = {
		.gpu_generation = (uint32_t)param("generation", 13), .gpu_variant = (uint32_t)param("variant", 'G'), .gpu_revision = 0x10,
		.chip_id = (uint32_t)param("chip", 0x8103), .num_dies = (uint32_t)param("dies", 1),
		.num_clusters_total = (uint32_t)param("clusters", 1), .num_cores_per_cluster = (uint32_t)param("cores", 8), .max_frequency_khz = 1278000,
		.vm_start = 1 << 24, .vm_end = 1ull << 39, .vm_kernel_min_size = 1 << 29,
		.max_commands_per_submission = 64, .max_attachments = 16, .command_timestamp_frequency_hz = 24000000,
	};
	if (g->param_group != 0) return -EINVAL;
	for (uint32_t i = 0; i < p.num_clusters_total && i < DRM_ASAHI_MAX_CLUSTERS; i++) p.core_masks[i] = (1ull << p.num_cores_per_cluster) - 1;
	answer(g->pointer, g->size, &p, sizeof p);
	return 0;
}

static int create(struct drm_asahi_gem_create *g) { return buffer_new(g->size, &g->handle); }

static int map(struct drm_asahi_gem_mmap_offset *m) {
	m->offset = buffer_place(m->handle);
	return m->offset ? 0 : -ENOENT;
}

// The sync objects that a submission waits for come before those that it signals.
static int submit(const struct drm_asahi_submit *s) {
	const struct drm_asahi_sync *list = (void *)(uintptr_t)s->syncs;
	for (uint32_t i = s->in_sync_count; i < s->in_sync_count + s->out_sync_count; i++)
		if (list[i].sync_type == DRM_ASAHI_SYNC_TIMELINE_SYNCOBJ) sync_signal(list[i].handle, list[i].timeline_value);
	return 0;
}

static int asahi_ioctl(unsigned command, void *arg) {
	switch (command) {
	case DRM_ASAHI_GET_PARAMS: return get_params(arg);
	case DRM_ASAHI_GET_TIME: ((struct drm_asahi_get_time *)arg)->gpu_timestamp = now() / 125 * 3; return 0; // 24 MHz
	case DRM_ASAHI_VM_CREATE: ((struct drm_asahi_vm_create *)arg)->vm_id = serial(); return 0;
	case DRM_ASAHI_GEM_CREATE: return create(arg);
	case DRM_ASAHI_GEM_MMAP_OFFSET: return map(arg);
	case DRM_ASAHI_GEM_BIND_OBJECT: ((struct drm_asahi_gem_bind_object *)arg)->object_handle = serial(); return 0;
	case DRM_ASAHI_QUEUE_CREATE: ((struct drm_asahi_queue_create *)arg)->queue_id = serial(); return 0;
	case DRM_ASAHI_SUBMIT: return submit(arg);
	case DRM_ASAHI_VM_DESTROY:
	case DRM_ASAHI_VM_BIND:
	case DRM_ASAHI_QUEUE_DESTROY: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_asahi = {"asahi", 1, 0, asahi_ioctl};
