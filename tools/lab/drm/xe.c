// Stands in for the kernel's xe, under ANV. The driver knows the GPU by its PCI id and by the version of its graphics core (ip); the table of
// devices gives dual subslices (dss), execution units (eu) in each and their threads, and vram in MiB where the GPU has memory of its own.
#include "stand.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <drm/xe_drm.h>

// A list of answers of different lengths, one after the other.
struct list {
	uint32_t size;
	_Alignas(8) uint8_t data[2048];
};

static void *append(struct list *l, size_t size) {
	void *at = l->data + l->size;
	l->size += (uint32_t)size;
	return at;
}

static void config(struct list *l) {
	struct drm_xe_query_config *c = append(l, sizeof *c + 5 * sizeof c->info[0]);
	c->num_params = 5;
	c->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = pci_id() | param("rev", 0) << 16;
	c->info[DRM_XE_QUERY_CONFIG_FLAGS] = param("vram", 0) ? DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM : 0;
	c->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = param("vram", 0) ? 65536 : 4096;
	c->info[DRM_XE_QUERY_CONFIG_VA_BITS] = 48;
	c->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = 2;
}

static void engines(struct list *l) {
	static const uint16_t classes[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY, DRM_XE_ENGINE_CLASS_COMPUTE};
	const uint32_t n = sizeof classes / sizeof *classes;
	struct drm_xe_query_engines *e = append(l, sizeof *e + n * sizeof e->engines[0]);
	e->num_engines = n;
	for (uint32_t i = 0; i < n; i++) e->engines[i].instance.engine_class = classes[i];
}

static void regions(struct list *l) {
	uint64_t vram = param("vram", 0) << 20;
	uint32_t n = vram ? 2 : 1;
	struct drm_xe_query_mem_regions *m = append(l, sizeof *m + n * sizeof m->mem_regions[0]);
	m->num_mem_regions = n;
	m->mem_regions[0] = (struct drm_xe_mem_region){.mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM, .min_page_size = 4096, .total_size = param("system", 32768) << 20};
	if (vram)
		m->mem_regions[1] = (struct drm_xe_mem_region){
			.mem_class = DRM_XE_MEM_REGION_CLASS_VRAM, .instance = 1, .min_page_size = 65536, .total_size = vram, .cpu_visible_size = vram};
}

static void graphics(struct list *l) {
	struct drm_xe_query_gt_list *g = append(l, sizeof *g + sizeof g->gt_list[0]);
	g->num_gt = 1;
	g->gt_list[0] = (struct drm_xe_gt){.type = DRM_XE_QUERY_GT_TYPE_MAIN, .reference_clock = 19200000, .near_mem_regions = param("vram", 0) ? 2 : 1,
		.ip_ver_major = (uint16_t)(param("ip", 0x1404) >> 8), .ip_ver_minor = (uint16_t)(param("ip", 0x1404) & 0xff), .ip_ver_rev = 4};
}

static void mask(struct list *l, uint16_t type, uint64_t bits) {
	struct drm_xe_query_topology_mask *m = append(l, sizeof *m + sizeof bits);
	m->type = type, m->num_bytes = sizeof bits;
	memcpy(m->mask, &bits, sizeof bits);
}

static void topology(struct list *l) {
	uint64_t subslices = (1ull << param("dss", 8)) - 1;
	mask(l, DRM_XE_TOPO_DSS_GEOMETRY, subslices);
	mask(l, DRM_XE_TOPO_DSS_COMPUTE, subslices);
	mask(l, DRM_XE_TOPO_L3_BANK, (1ull << param("l3", 8)) - 1);
	mask(l, DRM_XE_TOPO_SIMD16_EU_PER_DSS, (1ull << param("eu", 8)) - 1);
}

// hardware is a table of the firmware's: key, number of words, words. Those for graphics are of no matter here, but none may be 0.
static void hardware(struct list *l) {
	const uint32_t table[][2] = {{3, (uint32_t)param("eu", 8)}, {15, (uint32_t)param("threads", 8)},
		{16, 640}, {17, 640}, {18, 640}, {19, 640}, {21, 512}, {23, 1}, {24, 1}, {29, 64}, {30, 4096}, {33, 0x20}, {34, 2048}, {35, 2}, {36, 1024}, {37, 34},
		{38, 4096}, {64, 512}, {65, 192}, {68, 512}, {70, 1}, {71, (uint32_t)param("eu", 8)}, {73, 192}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		uint32_t *word = append(l, 3 * sizeof *word);
		word[0] = table[i][0], word[1] = 1, word[2] = table[i][1];
	}
}

static void cycles(struct list *l) {
	struct drm_xe_query_engine_cycles *c = append(l, sizeof *c);
	c->width = 36, c->engine_cycles = now() / 52, c->cpu_timestamp = now(), c->cpu_delta = 1;
}

// Whoever asks with a size of 0 is told the size.
static int query(struct drm_xe_device_query *q) {
	static void (*const answers[])(struct list *) = {
		[DRM_XE_DEVICE_QUERY_ENGINES] = engines, [DRM_XE_DEVICE_QUERY_MEM_REGIONS] = regions, [DRM_XE_DEVICE_QUERY_CONFIG] = config,
		[DRM_XE_DEVICE_QUERY_GT_LIST] = graphics, [DRM_XE_DEVICE_QUERY_HWCONFIG] = hardware, [DRM_XE_DEVICE_QUERY_GT_TOPOLOGY] = topology,
		[DRM_XE_DEVICE_QUERY_ENGINE_CYCLES] = cycles,
	};
	struct list l = {0};
	if (q->query >= sizeof answers / sizeof *answers || !answers[q->query]) return -EINVAL;
	answers[q->query](&l);
	if (q->size) answer(q->data, q->size, l.data, l.size);
	q->size = l.size;
	return 0;
}

static int create(struct drm_xe_gem_create *g) { return buffer_new(g->size, &g->handle); }

static int map(struct drm_xe_gem_mmap_offset *m) {
	m->offset = buffer_place(m->handle);
	return m->offset ? 0 : -ENOENT;
}

static int signal_all(uint64_t pointer, uint32_t count, bool of_memory) {
	const struct drm_xe_sync *s = (void *)(uintptr_t)pointer;
	for (uint32_t i = 0; i < count; i++) {
		if (!(s[i].flags & DRM_XE_SYNC_FLAG_SIGNAL)) continue;
		if (s[i].type == DRM_XE_SYNC_TYPE_TIMELINE_SYNCOBJ) sync_signal(s[i].handle, s[i].timeline_value);
		if (s[i].type == DRM_XE_SYNC_TYPE_USER_FENCE && of_memory) *(uint64_t *)(uintptr_t)s[i].addr = s[i].timeline_value;
	}
	return 0;
}

static int xe_ioctl(unsigned command, void *arg) {
	const struct drm_xe_vm_bind *bind = arg;
	const struct drm_xe_exec *exec = arg;
	switch (command) {
	case DRM_XE_DEVICE_QUERY: return query(arg);
	case DRM_XE_GEM_CREATE: return create(arg);
	case DRM_XE_GEM_MMAP_OFFSET: return map(arg);
	case DRM_XE_VM_CREATE: ((struct drm_xe_vm_create *)arg)->vm_id = serial(); return 0;
	case DRM_XE_VM_BIND: return signal_all(bind->syncs, bind->num_syncs, true);
	case DRM_XE_EXEC: return signal_all(exec->syncs, exec->num_syncs, false);
	case DRM_XE_EXEC_QUEUE_CREATE: ((struct drm_xe_exec_queue_create *)arg)->exec_queue_id = serial(); return 0;
	case DRM_XE_EXEC_QUEUE_GET_PROPERTY: ((struct drm_xe_exec_queue_get_property *)arg)->value = 0; return 0;
	case DRM_XE_VM_DESTROY:
	case DRM_XE_EXEC_QUEUE_DESTROY:
	case DRM_XE_WAIT_USER_FENCE:
	case DRM_XE_MADVISE: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_xe = {"xe", 1, 1, xe_ioctl};
