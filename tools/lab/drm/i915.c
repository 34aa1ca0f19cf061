// Stands in for the kernel's i915, under ANV and hasvk. The driver knows the GPU by its PCI id; the table of devices gives slices, subslices in
// each and execution units (eu) in each of those, the bits of an address (gtt), and vram in MiB where the GPU has memory of its own.
#include "stand.h"

#include <errno.h>
#include <string.h>

#include <drm/i915_drm.h>

static int get_param(const struct drm_i915_getparam *p) {
	int value;
	switch (p->param) {
	case I915_PARAM_CHIPSET_ID: value = (int)pci_id(); break;
	case I915_PARAM_REVISION: value = (int)param("rev", 0); break;
	case I915_PARAM_CS_TIMESTAMP_FREQUENCY: value = 19200000; break;
	case I915_PARAM_SLICE_MASK: value = (1 << param("slices", 1)) - 1; break;
	case I915_PARAM_SUBSLICE_MASK: value = (1 << param("subslices", 6)) - 1; break;
	case I915_PARAM_SUBSLICE_TOTAL: value = (int)(param("slices", 1) * param("subslices", 6)); break;
	case I915_PARAM_EU_TOTAL: value = (int)(param("slices", 1) * param("subslices", 6) * param("eu", 16)); break;
	case I915_PARAM_HAS_ALIASING_PPGTT: value = I915_GEM_PPGTT_FULL; break;
	case I915_PARAM_CMD_PARSER_VERSION: value = 10; break;
	case I915_PARAM_MMAP_VERSION: value = 1; break;
	case I915_PARAM_MMAP_GTT_VERSION: value = 4; break;
	case I915_PARAM_HAS_SCHEDULER: value = I915_SCHEDULER_CAP_ENABLED | I915_SCHEDULER_CAP_PRIORITY; break;
	case I915_PARAM_HAS_LLC: value = !param("vram", 0); break;
	case I915_PARAM_HAS_GEM:
	case I915_PARAM_HAS_EXECBUF2:
	case I915_PARAM_HAS_BSD:
	case I915_PARAM_HAS_BLT:
	case I915_PARAM_HAS_VEBOX:
	case I915_PARAM_HAS_WAIT_TIMEOUT:
	case I915_PARAM_HAS_EXEC_NO_RELOC:
	case I915_PARAM_HAS_EXEC_HANDLE_LUT:
	case I915_PARAM_HAS_EXEC_SOFTPIN:
	case I915_PARAM_HAS_EXEC_ASYNC:
	case I915_PARAM_HAS_EXEC_FENCE:
	case I915_PARAM_HAS_EXEC_CAPTURE:
	case I915_PARAM_HAS_EXEC_BATCH_FIRST:
	case I915_PARAM_HAS_EXEC_FENCE_ARRAY:
	case I915_PARAM_HAS_CONTEXT_ISOLATION:
	case I915_PARAM_HAS_EXEC_TIMELINE_FENCES:
	case I915_PARAM_HAS_USERPTR_PROBE: value = 1; break;
	default: return -EINVAL;
	}
	*p->value = value;
	return 0;
}

static void set_bits(uint8_t *at, unsigned n) {
	for (unsigned i = 0; i < n; i++) at[i / 8] |= (uint8_t)(1 << i % 8);
}

// topology writes masks of slices, of subslices of each and of execution units of each of those, all of which are there.
static int topology(struct drm_i915_query_topology_info *t) {
	unsigned slices = (unsigned)param("slices", 1), subslices = (unsigned)param("subslices", 6), units = (unsigned)param("eu", 16);
	unsigned stride = (subslices + 7) / 8, unit_stride = (units + 7) / 8, unit_offset = 1 + slices * stride;
	int size = (int)(sizeof *t + unit_offset + slices * subslices * unit_stride);
	if (!t) return size;
	*t = (struct drm_i915_query_topology_info){.max_slices = (uint16_t)slices, .max_subslices = (uint16_t)subslices, .max_eus_per_subslice = (uint16_t)units,
		.subslice_offset = 1, .subslice_stride = (uint16_t)stride, .eu_offset = (uint16_t)unit_offset, .eu_stride = (uint16_t)unit_stride};
	set_bits(t->data, slices);
	for (unsigned s = 0; s < slices; s++) set_bits(t->data + 1 + s * stride, subslices);
	for (unsigned s = 0; s < slices * subslices; s++) set_bits(t->data + unit_offset + s * unit_stride, units);
	return size;
}

static int engines(struct drm_i915_query_engine_info *e) {
	static const uint16_t classes[] = {I915_ENGINE_CLASS_RENDER, I915_ENGINE_CLASS_COPY};
	const unsigned n = sizeof classes / sizeof *classes;
	if (e) e->num_engines = n;
	for (unsigned i = 0; e && i < n; i++) e->engines[i].engine.engine_class = classes[i];
	return (int)(sizeof *e + n * sizeof e->engines[0]);
}

static int regions(struct drm_i915_query_memory_regions *m) {
	uint64_t vram = param("vram", 0) << 20, system = param("system", 32768) << 20;
	unsigned n = vram ? 2 : 1;
	int size = (int)(sizeof *m + n * sizeof m->regions[0]);
	if (!m) return size;
	m->num_regions = n;
	m->regions[0].region.memory_class = I915_MEMORY_CLASS_SYSTEM;
	m->regions[0].probed_size = m->regions[0].unallocated_size = system;
	if (!vram) return size;
	m->regions[1].region.memory_class = I915_MEMORY_CLASS_DEVICE;
	m->regions[1].probed_size = m->regions[1].unallocated_size = vram;
	m->regions[1].probed_cpu_visible_size = m->regions[1].unallocated_cpu_visible_size = vram;
	return size;
}

// Whoever asks with a length of 0 is told the length.
static void query_item(struct drm_i915_query_item *q) {
	void *data = q->length ? (void *)(uintptr_t)q->data_ptr : NULL;
	switch (q->query_id) {
	case DRM_I915_QUERY_TOPOLOGY_INFO:
	case DRM_I915_QUERY_GEOMETRY_SUBSLICES: q->length = topology(data); break;
	case DRM_I915_QUERY_ENGINE_INFO: q->length = engines(data); break;
	case DRM_I915_QUERY_MEMORY_REGIONS: q->length = regions(data); break;
	default: q->length = -EINVAL;
	}
}

static int query(const struct drm_i915_query *q) {
	for (uint32_t i = 0; i < q->num_items; i++) query_item((struct drm_i915_query_item *)(uintptr_t)q->items_ptr + i);
	return 0;
}

static int map(struct drm_i915_gem_mmap_offset *m) {
	m->offset = buffer_place(m->handle);
	return m->offset ? 0 : -ENOENT;
}

static int context_param(struct drm_i915_gem_context_param *p) {
	p->value = p->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << param("gtt", 48) : p->param == I915_CONTEXT_PARAM_VM;
	return 0;
}

// extensions goes through what a submission signals: points of timelines.
static void extensions(uint64_t next) {
	while (next) {
		const struct drm_i915_gem_execbuffer_ext_timeline_fences *e = (void *)(uintptr_t)next;
		const struct drm_i915_gem_exec_fence *f = (void *)(uintptr_t)e->handles_ptr;
		const uint64_t *points = (void *)(uintptr_t)e->values_ptr;
		bool fences = e->base.name == DRM_I915_GEM_EXECBUFFER_EXT_TIMELINE_FENCES;
		for (uint64_t i = 0; fences && i < e->fence_count; i++)
			if (f[i].flags & I915_EXEC_FENCE_SIGNAL) sync_signal(f[i].handle, points[i]);
		next = e->base.next_extension;
	}
}

static int submit(struct drm_i915_gem_execbuffer2 *e) {
	if (e->flags & I915_EXEC_USE_EXTENSIONS) extensions(e->cliprects_ptr);
	if (e->flags & I915_EXEC_FENCE_OUT) e->rsvd2 = (e->rsvd2 & 0xffffffff) | (uint64_t)done_fd() << 32;
	return 0;
}

static int i915_ioctl(unsigned command, void *arg) {
	struct drm_i915_gem_create *create = arg;
	struct drm_i915_gem_create_ext *create_ext = arg;
	struct drm_i915_gem_userptr *user = arg;
	switch (command) {
	case DRM_I915_GETPARAM: return get_param(arg);
	case DRM_I915_QUERY: return query(arg);
	case DRM_I915_GEM_CREATE: return buffer_new(create->size, &create->handle);
	case DRM_I915_GEM_CREATE_EXT: return buffer_new(create_ext->size, &create_ext->handle);
	case DRM_I915_GEM_USERPTR: return buffer_new(user->user_size, &user->handle);
	case DRM_I915_GEM_MMAP_GTT: return map(arg); // and MMAP_OFFSET
	case DRM_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)arg)->ctx_id = serial(); return 0;
	case DRM_I915_GEM_CONTEXT_GETPARAM: return context_param(arg);
	case DRM_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)arg)->vm_id = serial(); return 0;
	case DRM_I915_GEM_EXECBUFFER2: return submit(arg);
	case DRM_I915_REG_READ: ((struct drm_i915_reg_read *)arg)->val = now() / 52; return 0;
	case DRM_I915_GEM_GET_APERTURE: ((struct drm_i915_gem_get_aperture *)arg)->aper_size = 1ull << 48; return 0;
	case DRM_I915_GEM_MADVISE: ((struct drm_i915_gem_madvise *)arg)->retained = 1; return 0;
	case DRM_I915_GEM_BUSY: ((struct drm_i915_gem_busy *)arg)->busy = 0; return 0;
	case DRM_I915_GEM_CONTEXT_SETPARAM:
	case DRM_I915_GEM_CONTEXT_DESTROY:
	case DRM_I915_GEM_VM_DESTROY:
	case DRM_I915_GEM_WAIT:
	case DRM_I915_GEM_SET_DOMAIN:
	case DRM_I915_GEM_SET_TILING:
	case DRM_I915_GEM_GET_TILING:
	case DRM_I915_GEM_SET_CACHING:
	case DRM_I915_GEM_GET_CACHING:
	case DRM_I915_GET_RESET_STATS: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_i915 = {"i915", 1, 6, i915_ioctl};
