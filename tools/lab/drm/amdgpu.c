// Stands in for the kernel's amdgpu, under RADV. The table of devices gives family and revision, by which the driver knows the chip, and
// how many shader engines, arrays and compute units it has.
#include "stand.h"

#include <errno.h>
#include <string.h>

#include <drm/amdgpu_drm.h>

static uint64_t video_memory(void) { return param("vram", 16384) << 20; }

// compute_units sets the bits of those in each shader array. From the fifth engine on they lie beside those of the first four.
static void compute_units(struct drm_amdgpu_info_device *d) {
	uint32_t each = (uint32_t)param("cu", 8);
	for (uint32_t e = 0; e < d->num_shader_engines; e++)
		for (uint32_t a = 0; a < d->num_shader_arrays_per_engine; a++) {
			d->cu_bitmap[e % 4][e / 4 * 2 + a] = (1u << each) - 1;
			d->cu_active_number += each;
		}
	d->num_cu_per_sh = each;
}

static void device_info(struct drm_amdgpu_info_device *d) {
	uint64_t generation = param("gfx", 0x0b0000) >> 16;
	*d = (struct drm_amdgpu_info_device){
		.device_id = pci_id(), .external_rev = (uint32_t)param("rev", 1), .family = (uint32_t)param("family", 0),
		.num_shader_engines = (uint32_t)param("se", 1), .num_shader_arrays_per_engine = (uint32_t)param("sa", 1),
		.gpu_counter_freq = 100000, .max_engine_clock = 2000000, .max_memory_clock = 1000000,
		.num_rb_pipes = (uint32_t)param("rb", 4), .enabled_rb_pipes_mask = (uint32_t)((1ull << param("rb", 4)) - 1),
		.num_hw_gfx_contexts = 8, .pcie_gen = 4, .pcie_num_lanes = 16, .ids_flags = param("integrated", 0) ? AMDGPU_IDS_FLAGS_FUSION : 0,
		.virtual_address_offset = 0x200000, .virtual_address_max = generation >= 9 ? 1ull << 47 : 0x1fffe00000,
		.virtual_address_alignment = 4096, .pte_fragment_size = 2 << 20, .gart_page_size = 4096, .ce_ram_size = 32768,
		.vram_type = AMDGPU_VRAM_TYPE_GDDR6, .vram_bit_width = 256, .gc_double_offchip_lds_buf = 1,
		.wave_front_size = generation >= 10 ? 32 : 64, .num_shader_visible_vgprs = (uint32_t)param("vgprs", generation >= 10 ? 1024 : 256),
		.num_tcc_blocks = (uint32_t)param("tcc", 16), .gs_vgt_table_depth = 32, .gs_prim_buffer_depth = 1792, .max_gs_waves_per_vgt = 32,
		.high_va_offset = generation >= 9 ? 0xffff800000000000 : 0, .high_va_max = generation >= 9 ? 0xffffffffffe00000 : 0,
	};
	if (generation >= 11) {
		d->tcp_cache_size = 32, d->num_sqc_per_wgp = 1, d->sqc_data_cache_size = 16, d->sqc_inst_cache_size = 32;
		d->gl1c_cache_size = 256, d->gl2c_cache_size = 6144;
		d->shadow_size = 1 << 16, d->shadow_alignment = 256, d->csa_size = 1 << 16, d->csa_alignment = 256;
	}
	compute_units(d);
}

static void hardware_info(uint32_t type, struct drm_amdgpu_info_hw_ip *h) {
	uint32_t gfx = (uint32_t)param("gfx", 0x0b0000);
	*h = (struct drm_amdgpu_info_hw_ip){.ib_start_alignment = 256, .ib_size_alignment = 256};
	if (type != AMDGPU_HW_IP_GFX && type != AMDGPU_HW_IP_COMPUTE) return;
	h->hw_ip_version_major = gfx >> 16, h->hw_ip_version_minor = gfx >> 8 & 0xff;
	h->ip_discovery_version = gfx >> 16 >= 9 ? gfx : 0; // older chips have none
	h->available_rings = type == AMDGPU_HW_IP_GFX ? 1 : 15;
}

static struct drm_amdgpu_heap_info heap(uint64_t size) {
	return (struct drm_amdgpu_heap_info){.total_heap_size = size, .usable_heap_size = size, .max_allocation = size / 4 * 3};
}

static void memory_info(struct drm_amdgpu_memory_info *m) {
	m->vram = heap(video_memory());
	m->cpu_accessible_vram = heap(param("bar", param("vram", 16384)) << 20);
	m->gtt = heap(param("gtt", 16384) << 20);
}

// A register that says nothing in particular of how images lie in memory: no kernel here has one.
static uint32_t register_value(uint32_t number) {
	const uint32_t address_config = 0x263e, memory_config = 0x09d8, tile_modes = 0x2644, macro_modes = 0x2664;
	if (number == address_config) return (uint32_t)param("address", 0x444);
	if (number == memory_config) return 0x60a2;
	if (number >= tile_modes && number < macro_modes) return 0x02000310;
	return number >= macro_modes && number < macro_modes + 16 ? 0xe8 : 0;
}

static int info(const struct drm_amdgpu_info *q) {
	union {
		struct drm_amdgpu_info_device device;
		struct drm_amdgpu_info_hw_ip ip;
		struct drm_amdgpu_info_firmware firmware;
		struct drm_amdgpu_memory_info memory;
		uint64_t word;
		uint32_t words[64];
	} a = {0};
	switch (q->query) {
	case AMDGPU_INFO_ACCEL_WORKING: a.word = 1; break;
	case AMDGPU_INFO_DEV_INFO: device_info(&a.device); break;
	case AMDGPU_INFO_HW_IP_INFO: hardware_info(q->query_hw_ip.type, &a.ip); break;
	case AMDGPU_INFO_HW_IP_COUNT: a.word = 1; break;
	case AMDGPU_INFO_FW_VERSION: a.firmware = (struct drm_amdgpu_info_firmware){.ver = 500, .feature = 50}; break;
	case AMDGPU_INFO_MEMORY: memory_info(&a.memory); break;
	case AMDGPU_INFO_READ_MMR_REG:
		for (uint32_t i = 0; i < q->read_mmr_reg.count && i < 64; i++) a.words[i] = register_value(q->read_mmr_reg.dword_offset + i);
		break;
	case AMDGPU_INFO_TIMESTAMP: a.word = now() / 10; break;
	case AMDGPU_INFO_VRAM_USAGE:
	case AMDGPU_INFO_VIS_VRAM_USAGE:
	case AMDGPU_INFO_GTT_USAGE:
	case AMDGPU_INFO_VIDEO_CAPS: break;
	default: return -EINVAL;
	}
	answer(q->return_pointer, q->return_size, &a, sizeof a);
	return 0;
}

static int create(union drm_amdgpu_gem_create *c) {
	uint64_t size = c->in.bo_size, domains = c->in.domains;
	memset(c, 0, sizeof *c);
	int r = buffer_new(size, &c->out.handle);
	if (r == 0) buffer_of(c->out.handle)->tag = domains;
	return r;
}

static int map(union drm_amdgpu_gem_mmap *m) {
	m->out.addr_ptr = buffer_place(m->in.handle);
	return m->out.addr_ptr ? 0 : -ENOENT;
}

static int user_pointer(struct drm_amdgpu_gem_userptr *u) { return buffer_new(u->size, &u->handle); }

static int operate(const struct drm_amdgpu_gem_op *o) {
	struct buffer *b = buffer_of(o->handle);
	if (!b || o->op != AMDGPU_GEM_OP_GET_GEM_CREATE_INFO) return -EINVAL;
	struct drm_amdgpu_gem_create_in in = {.bo_size = b->size, .alignment = 4096, .domains = b->tag};
	answer(o->value, sizeof in, &in, sizeof in);
	return 0;
}

static int context(union drm_amdgpu_ctx *c) {
	bool new = c->in.op == AMDGPU_CTX_OP_ALLOC_CTX;
	memset(c, 0, sizeof *c);
	if (new) c->out.alloc.ctx_id = serial();
	return 0;
}

static int buffer_list(union drm_amdgpu_bo_list *l) {
	memset(l, 0, sizeof *l);
	l->out.list_handle = serial();
	return 0;
}

// signal_chunk signals the sync objects that a submission ends with.
static void signal_chunk(const struct drm_amdgpu_cs_chunk *c) {
	const struct drm_amdgpu_cs_chunk_syncobj *points = (void *)(uintptr_t)c->chunk_data;
	for (size_t i = 0; c->chunk_id == AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL && i < c->length_dw * 4 / sizeof *points; i++)
		sync_signal(points[i].handle, points[i].point);
}

static int submit(union drm_amdgpu_cs *c) {
	const uint64_t *chunks = (void *)(uintptr_t)c->in.chunks;
	for (uint32_t i = 0; i < c->in.num_chunks; i++) signal_chunk((void *)(uintptr_t)chunks[i]);
	memset(c, 0, sizeof *c);
	c->out.handle = serial();
	return 0;
}

static int fences(union drm_amdgpu_wait_fences *w) {
	memset(w, 0, sizeof *w);
	w->out.status = 1;
	return 0;
}

static int fence_to_handle(union drm_amdgpu_fence_to_handle *f) {
	bool sync = f->in.what == AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ;
	f->out.handle = sync ? serial() : (uint32_t)done_fd();
	return 0;
}

static int amdgpu_ioctl(unsigned command, void *arg) {
	switch (command) {
	case DRM_AMDGPU_INFO: return info(arg);
	case DRM_AMDGPU_GEM_CREATE: return create(arg);
	case DRM_AMDGPU_GEM_MMAP: return map(arg);
	case DRM_AMDGPU_GEM_OP: return operate(arg);
	case DRM_AMDGPU_GEM_USERPTR: return user_pointer(arg);
	case DRM_AMDGPU_CTX: return context(arg);
	case DRM_AMDGPU_BO_LIST: return buffer_list(arg);
	case DRM_AMDGPU_CS: return submit(arg);
	case DRM_AMDGPU_WAIT_FENCES: return fences(arg);
	case DRM_AMDGPU_FENCE_TO_HANDLE: return fence_to_handle(arg);
	case DRM_AMDGPU_WAIT_CS: memset(arg, 0, sizeof(union drm_amdgpu_wait_cs)); return 0;
	case DRM_AMDGPU_GEM_WAIT_IDLE: memset(arg, 0, sizeof(union drm_amdgpu_gem_wait_idle)); return 0;
	case DRM_AMDGPU_GEM_METADATA:
	case DRM_AMDGPU_GEM_VA:
	case DRM_AMDGPU_VM:
	case DRM_AMDGPU_SCHED: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_amdgpu = {"amdgpu", 3, 63, amdgpu_ioctl};
