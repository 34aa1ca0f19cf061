// Stands in for the kernel's msm, under Turnip. The table of devices gives the chip's id, by which the driver knows the GPU, and how much memory
// its tiles have, in KiB.
#include "stand.h"

#include <errno.h>
#include <string.h>

#include <drm/msm_drm.h>

static int get_param(struct drm_msm_param *p) {
	switch (p->param) {
	case MSM_PARAM_GPU_ID: p->value = param("gpu", 0); return 0;
	case MSM_PARAM_CHIP_ID: p->value = param("chip", 0); return 0;
	case MSM_PARAM_GMEM_SIZE: p->value = param("gmem", 1024) << 10; return 0;
	case MSM_PARAM_GMEM_BASE: p->value = 0x100000; return 0;
	case MSM_PARAM_MAX_FREQ: p->value = 800000000; return 0;
	case MSM_PARAM_TIMESTAMP: p->value = now() / 52; return 0; // 19.2 MHz
	case MSM_PARAM_PRIORITIES: p->value = 3; return 0;
	case MSM_PARAM_VA_START: p->value = 1ull << 32; return 0;
	case MSM_PARAM_VA_SIZE: p->value = 1ull << 38; return 0;
	case MSM_PARAM_HIGHEST_BANK_BIT: p->value = 15; return 0;
	case MSM_PARAM_UBWC_SWIZZLE: p->value = 6; return 0;
	case MSM_PARAM_UCHE_TRAP_BASE: p->value = 0x1fffffffff000; return 0;
	case MSM_PARAM_MACROTILE_MODE:
	case MSM_PARAM_FAULTS:
	case MSM_PARAM_SUSPENDS:
	case MSM_PARAM_RAYTRACING:
	case MSM_PARAM_HAS_PRR:
	case MSM_PARAM_AQE: p->value = 0; return 0;
	}
	return -EINVAL;
}

static int create(struct drm_msm_gem_new *g) { return buffer_new(g->size, &g->handle); }

static int info(struct drm_msm_gem_info *i) {
	struct buffer *b = buffer_of(i->handle);
	if (!b) return -ENOENT;
	switch (i->info) {
	case MSM_INFO_GET_OFFSET: i->value = b->place; return 0;
	case MSM_INFO_SET_IOVA: b->tag = i->value; return 0;
	case MSM_INFO_GET_IOVA: i->value = b->tag ? b->tag : b->place; return 0;
	case MSM_INFO_SET_NAME: return 0;
	case MSM_INFO_GET_FLAGS: i->value = MSM_BO_WC; return 0;
	}
	return -EINVAL;
}

static void signal_all(uint64_t pointer, uint32_t count, uint32_t stride) {
	for (uint32_t i = 0; i < count; i++) {
		const struct drm_msm_syncobj *s = (void *)(uintptr_t)(pointer + (uint64_t)i * stride);
		sync_signal(s->handle, s->point);
	}
}

static int submit(struct drm_msm_gem_submit *s) {
	signal_all(s->out_syncobjs, s->nr_out_syncobjs, s->syncobj_stride);
	if (!(s->flags & MSM_SUBMIT_FENCE_SN_IN)) s->fence = serial();
	if (s->flags & MSM_SUBMIT_FENCE_FD_OUT) s->fence_fd = done_fd();
	return 0;
}

static int bind(struct drm_msm_vm_bind *b) {
	signal_all(b->out_syncobjs, b->nr_out_syncobjs, b->syncobj_stride);
	if (b->flags & MSM_VM_BIND_FENCE_FD_OUT) b->fence_fd = done_fd();
	return 0;
}

static int advise(struct drm_msm_gem_madvise *m) {
	m->retained = 1;
	return 0;
}

static int msm_ioctl(unsigned command, void *arg) {
	switch (command) {
	case DRM_MSM_GET_PARAM: return get_param(arg);
	case DRM_MSM_GEM_NEW: return create(arg);
	case DRM_MSM_GEM_INFO: return info(arg);
	case DRM_MSM_GEM_SUBMIT: return submit(arg);
	case DRM_MSM_VM_BIND: return bind(arg);
	case DRM_MSM_GEM_MADVISE: return advise(arg);
	case DRM_MSM_SUBMITQUEUE_NEW: ((struct drm_msm_submitqueue *)arg)->id = serial(); return 0;
	case DRM_MSM_SET_PARAM:
	case DRM_MSM_GEM_CPU_PREP:
	case DRM_MSM_GEM_CPU_FINI:
	case DRM_MSM_WAIT_FENCE:
	case DRM_MSM_SUBMITQUEUE_CLOSE:
	case DRM_MSM_SUBMITQUEUE_QUERY: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_msm = {"msm", 1, 13, msm_ioctl};
