// Stands in for the kernel's nouveau, under NVK. The table of devices gives the chipset and the classes of its engines, by which the driver
// knows the generation, and how many clusters (gpc) and texture processors (tpc) it has.
#include "stand.h"

#include <errno.h>
#include <string.h>

#include <drm/nouveau_drm.h>

// What the driver sends through DRM_NOUVEAU_NVIF: a head, then what its type says. linux-libc-dev has no header of it.
struct nvif {
	uint8_t version, type, pad[4], owner, route;
	uint64_t token, object;
};
enum { NVIF_LIST_CLASSES = 1, NVIF_METHOD = 4, METHOD_DEVICE_INFO = 0, PLATFORM_PCIE = 3 };

struct nvif_classes {
	struct nvif head;
	uint8_t version, count, pad[6];
	struct { int32_t class; int16_t least, most; } list[16];
};

struct nvif_device_info {
	struct nvif head;
	uint8_t version, method, pad[6];
	uint8_t info_version, platform;
	uint16_t chipset;
	uint8_t revision, family, pad2[2];
	uint64_t memory, memory_for_users;
	char chip[16], name[64];
};

static uint64_t video_memory(void) { return param("vram", 24576) << 20; }

static int get_param(struct drm_nouveau_getparam *p) {
	switch (p->param) {
	case NOUVEAU_GETPARAM_PCI_VENDOR: p->value = 0x10de; return 0;
	case NOUVEAU_GETPARAM_PCI_DEVICE: p->value = pci_id(); return 0;
	case NOUVEAU_GETPARAM_BUS_TYPE: p->value = 2; return 0; // PCIe
	case NOUVEAU_GETPARAM_FB_SIZE:
	case NOUVEAU_GETPARAM_VRAM_BAR_SIZE: p->value = video_memory(); return 0;
	case NOUVEAU_GETPARAM_VRAM_USED: p->value = 1 << 20; return 0;
	case NOUVEAU_GETPARAM_CHIPSET_ID: p->value = param("chipset", 0); return 0;
	case NOUVEAU_GETPARAM_GRAPH_UNITS: p->value = param("tpc", 24) << 8 | param("gpc", 6); return 0;
	case NOUVEAU_GETPARAM_PTIMER_TIME: p->value = now(); return 0;
	case NOUVEAU_GETPARAM_EXEC_PUSH_MAX: p->value = 510; return 0;
	case NOUVEAU_GETPARAM_HAS_BO_USAGE:
	case NOUVEAU_GETPARAM_HAS_VMA_TILEMODE: p->value = 1; return 0;
	}
	return -EINVAL;
}

static void classes(struct nvif_classes *c) {
	const uint32_t list[] = {(uint32_t)param("copy", 0), 0x902d, (uint32_t)param("draw", 0), (uint32_t)param("upload", 0xa140), (uint32_t)param("compute", 0)};
	c->count = sizeof list / sizeof *list;
	for (size_t i = 0; i < sizeof list / sizeof *list; i++) c->list[i].class = (int32_t)list[i];
}

static void device_info(struct nvif_device_info *d) {
	d->platform = PLATFORM_PCIE;
	d->chipset = (uint16_t)param("chipset", 0);
	d->memory = d->memory_for_users = video_memory();
	strcpy(d->chip, "lab");
	strcpy(d->name, "a stand-in");
}

static int nvif(struct nvif *n) {
	if (n->type == NVIF_LIST_CLASSES) classes((struct nvif_classes *)n);
	if (n->type == NVIF_METHOD && ((struct nvif_device_info *)n)->method == METHOD_DEVICE_INFO) device_info((struct nvif_device_info *)n);
	return 0;
}

static int create(struct drm_nouveau_gem_new *g) {
	int r = buffer_new(g->info.size, &g->info.handle);
	if (r) return r;
	buffer_of(g->info.handle)->tag = g->info.domain;
	g->info.offset = g->info.map_handle = buffer_place(g->info.handle);
	return 0;
}

static int info(struct drm_nouveau_gem_info *i) {
	struct buffer *b = buffer_of(i->handle);
	if (!b) return -ENOENT;
	i->size = b->size, i->offset = i->map_handle = b->place, i->domain = (uint32_t)b->tag;
	return 0;
}

static int signal_all(uint64_t pointer, uint32_t count) {
	const struct drm_nouveau_sync *s = (void *)(uintptr_t)pointer;
	for (uint32_t i = 0; i < count; i++)
		if ((s[i].flags & DRM_NOUVEAU_SYNC_TYPE_MASK) == DRM_NOUVEAU_SYNC_TIMELINE_SYNCOBJ) sync_signal(s[i].handle, s[i].timeline_value);
	return 0;
}

static int nouveau_ioctl(unsigned command, void *arg) {
	const struct drm_nouveau_exec *exec = arg;
	const struct drm_nouveau_vm_bind *bind = arg;
	switch (command) {
	case DRM_NOUVEAU_GETPARAM: return get_param(arg);
	case DRM_NOUVEAU_NVIF: return nvif(arg);
	case DRM_NOUVEAU_GEM_NEW: return create(arg);
	case DRM_NOUVEAU_GEM_INFO: return info(arg);
	case DRM_NOUVEAU_CHANNEL_ALLOC: ((struct drm_nouveau_channel_alloc *)arg)->channel = (int32_t)serial(); return 0;
	case DRM_NOUVEAU_EXEC: return signal_all(exec->sig_ptr, exec->sig_count);
	case DRM_NOUVEAU_VM_BIND: return signal_all(bind->sig_ptr, bind->sig_count);
	case DRM_NOUVEAU_VM_INIT:
	case DRM_NOUVEAU_CHANNEL_FREE:
	case DRM_NOUVEAU_GEM_CPU_PREP: return 0;
	}
	return -ENOTTY;
}

const struct stand stand_nouveau = {"nouveau", 1, 4, nouveau_ioctl};
