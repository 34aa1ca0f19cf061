// What all kernel drivers share: version, capabilities, buffers and their handles, sync objects. Everything submitted is done.
#define _GNU_SOURCE
#include "gem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <drm/drm.h>

enum { MOST = 1 << 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct buffer buffers[MOST];
static uint64_t points[MOST]; // that sync objects' timelines have reached
static uint64_t top = 1 << 20;

uint64_t param(const char *name, uint64_t otherwise) {
	const char *list = getenv("MUNINN_LAB_PARAMS");
	size_t length = strlen(name);
	for (const char *p = list; p && *p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strncmp(p, name, length) == 0 && p[length] == '=') return strtoull(p + length + 1, NULL, 0);
	}
	return otherwise;
}

uint32_t pci_id(void) {
	const char *place = getenv("MUNINN_LAB_PLACE");
	return place && strncmp(place, "pci:", 4) == 0 ? (uint32_t)strtoul(place + 9, NULL, 16) : 0;
}

int buffer_new(uint64_t size, uint32_t *to) {
	const uint64_t grain = 1 << 21; // the largest page that drivers align to
	const uint64_t large = 64 << 20, shared = 1ull << 45;
	uint32_t handle = 0;
	pthread_mutex_lock(&lock);
	for (uint32_t i = 1; size && i < MOST && !handle; i++)
		if (buffers[i].references == 0) handle = i;
	if (handle) {
		buffers[handle] = (struct buffer){.size = size, .place = size < large ? top : shared, .references = 1};
		if (size < large) top += (size + grain - 1) / grain * grain;
	}
	pthread_mutex_unlock(&lock);
	*to = handle;
	return handle ? 0 : size ? -ENOMEM : -EINVAL;
}

struct buffer *buffer_of(uint32_t handle) {
	return handle > 0 && handle < MOST && buffers[handle].references > 0 ? &buffers[handle] : NULL;
}

uint64_t buffer_place(uint32_t handle) {
	const struct buffer *b = buffer_of(handle);
	return b ? b->place : 0;
}

static int buffer_close(uint32_t handle) {
	struct buffer *b = buffer_of(handle);
	if (!b) return -EINVAL;
	pthread_mutex_lock(&lock);
	struct buffer old = *b;
	b->references--;
	pthread_mutex_unlock(&lock);
	if (old.references == 1 && old.place < top) fallocate(node_memory(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)old.place, (off_t)old.size);
	return 0;
}

uint32_t serial(void) {
	static uint32_t last;
	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

uint64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int done_fd(void) { return eventfd(1, EFD_CLOEXEC); }

void answer(uint64_t pointer, size_t room, const void *from, size_t size) {
	memcpy((void *)(uintptr_t)pointer, from, room < size ? room : size);
}

void sync_signal(uint32_t handle, uint64_t point) {
	if (handle < MOST && points[handle] < point) points[handle] = point;
}

static void copy_text(char *to, __kernel_size_t *length, const char *text) {
	if (to) strncpy(to, text, *length);
	*length = strlen(text);
}

static int version(struct drm_version *v) {
	const struct stand *s = node_stand();
	v->version_major = s->major, v->version_minor = s->minor, v->version_patchlevel = 0;
	copy_text(v->name, &v->name_len, s->name);
	copy_text(v->date, &v->date_len, "20250101");
	copy_text(v->desc, &v->desc_len, "a stand-in");
	return 0;
}

static int capability(struct drm_get_cap *c) {
	switch (c->capability) {
	case DRM_CAP_SYNCOBJ:
	case DRM_CAP_SYNCOBJ_TIMELINE:
	case DRM_CAP_TIMESTAMP_MONOTONIC: c->value = 1; return 0;
	case DRM_CAP_PRIME: c->value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT; return 0;
	default: c->value = 0; return 0;
	}
}

// An exported buffer is a file of its size whose inode tells which it is. Its bytes are not the buffer's.
static uint64_t exported[MOST];

static int export(struct drm_prime_handle *p) {
	struct buffer *b = buffer_of(p->handle);
	struct stat s;
	if (!b) return -ENOENT;
	p->fd = memfd_create("lab buffer", MFD_CLOEXEC);
	if (p->fd < 0 || ftruncate(p->fd, (off_t)b->size) || fstat(p->fd, &s)) return -EMFILE;
	exported[p->handle] = s.st_ino;
	return 0;
}

static int import(struct drm_prime_handle *p) {
	struct stat s;
	if (fstat(p->fd, &s)) return -EBADF;
	for (uint32_t i = 1; i < MOST; i++)
		if (exported[i] == s.st_ino && buffer_of(i)) {
			p->handle = i;
			buffers[i].references++;
			return 0;
		}
	return -EINVAL;
}

static uint32_t *handles(uint64_t pointer) { return (uint32_t *)(uintptr_t)pointer; }

static int sync_points(const struct drm_syncobj_timeline_array *a) {
	for (uint32_t i = 0; i < a->count_handles; i++)
		sync_signal(handles(a->handles)[i], ((uint64_t *)(uintptr_t)a->points)[i]);
	return 0;
}

// Whoever waits for a point is told that it is reached; whoever asks afterwards, too.
static int sync_wait(const struct drm_syncobj_timeline_wait *w) {
	struct drm_syncobj_timeline_array a = {w->handles, w->points, w->count_handles, 0};
	return sync_points(&a);
}

static int sync_query(struct drm_syncobj_timeline_array *a) {
	for (uint32_t i = 0; i < a->count_handles; i++)
		((uint64_t *)(uintptr_t)a->points)[i] = points[handles(a->handles)[i] % MOST];
	return 0;
}

static int sync_eventfd(const struct drm_syncobj_eventfd *e) {
	uint64_t one = 1;
	return write(e->fd, &one, sizeof one) == sizeof one ? 0 : -EBADF;
}

int gem_ioctl(unsigned nr, void *arg) {
	switch (nr) {
	case _IOC_NR(DRM_IOCTL_VERSION): return version(arg);
	case _IOC_NR(DRM_IOCTL_GET_CAP): return capability(arg);
	case _IOC_NR(DRM_IOCTL_GEM_CLOSE): return buffer_close(((struct drm_gem_close *)arg)->handle);
	case _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD): return export(arg);
	case _IOC_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE): return import(arg);
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE): {
		struct drm_syncobj_create *c = arg;
		c->handle = 1 + serial() % (MOST - 1);
		points[c->handle] = 0;
		return 0;
	}
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD): ((struct drm_syncobj_handle *)arg)->fd = done_fd(); return 0;
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE): ((struct drm_syncobj_handle *)arg)->handle = 1 + serial() % (MOST - 1); return 0;
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT): return sync_wait(arg);
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL): return sync_points(arg);
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_QUERY): return sync_query(arg);
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_EVENTFD): return sync_eventfd(arg);
	case _IOC_NR(DRM_IOCTL_GET_UNIQUE):
	case _IOC_NR(DRM_IOCTL_SET_CLIENT_CAP):
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT):
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_DESTROY):
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_RESET):
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_SIGNAL):
	case _IOC_NR(DRM_IOCTL_SYNCOBJ_TRANSFER): return 0;
	}
	return -ENOTTY;
}
