// The render node, by LD_PRELOAD: whoever opens /dev/dri/renderD128 is given a memory of the process's own, on which ioctl finds the
// driver that MUNINN_LAB_DRIVER names. Mapping needs no help: buffers lie in that memory at the offsets that they are mapped at. The node
// and its sysfs are real files of the folder that the process runs in.
#define _GNU_SOURCE
#include "stand.h"
#include "gem.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm/drm.h>

#define NODE "/dev/dri/renderD128"
enum { NODE_MAJOR = 226, NODE_MINOR = 128, LARGEST = 1 << 14 };

static const struct stand *const stands[] = {&stand_amdgpu, &stand_asahi, &stand_i915, &stand_msm, &stand_nouveau, &stand_xe};

static int memory = -1;
static struct stat of_memory;
static const struct stand *stand;

int node_memory(void) { return memory; }
const struct stand *node_stand(void) { return stand; }

// Buffers are many and processes few: the memory is far larger than any machine's, and empty until it is written.
__attribute__((constructor)) static void set_up(void) {
	const char *name = getenv("MUNINN_LAB_DRIVER");
	for (size_t i = 0; name && i < sizeof stands / sizeof *stands; i++)
		if (strcmp(stands[i]->name, name) == 0) stand = stands[i];
	if (!stand) return;
	int fd = memfd_create("lab", MFD_CLOEXEC);
	memory = fcntl(fd, F_DUPFD_CLOEXEC, 100); // out of the way of those that programs take for theirs
	close(fd);
	if (memory < 0 || ftruncate(memory, (off_t)1 << 46) || syscall(SYS_fstat, memory, &of_memory)) abort();
}

// is_node tells whether a file descriptor is one of ours, however it was copied.
static bool is_node(int fd, struct stat *s) {
	return memory >= 0 && syscall(SYS_fstat, fd, s) == 0 && s->st_ino == of_memory.st_ino && s->st_dev == of_memory.st_dev;
}

static int open_at(int dir, const char *path, int flags, mode_t mode) {
	if (memory >= 0 && path && strcmp(path, NODE) == 0) return fcntl(memory, F_DUPFD_CLOEXEC, 3);
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

#define MODE(flags)                                        \
	mode_t mode = 0;                                       \
	if ((flags) & (O_CREAT | __O_TMPFILE)) {               \
		va_list list;                                      \
		va_start(list, flags);                             \
		mode = va_arg(list, mode_t);                       \
		va_end(list);                                      \
	}

int open(const char *path, int flags, ...) {
	MODE(flags)
	return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
	MODE(flags)
	return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int dir, const char *path, int flags, ...) {
	MODE(flags)
	return open_at(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
	MODE(flags)
	return open_at(dir, path, flags | O_LARGEFILE, mode);
}

int __open_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return open_at(AT_FDCWD, path, flags | O_LARGEFILE, 0); }

int fstat(int fd, struct stat *s) {
	if (is_node(fd, s)) {
		s->st_mode = S_IFCHR | 0666;
		s->st_rdev = makedev(NODE_MAJOR, NODE_MINOR);
		return 0;
	}
	return (int)syscall(SYS_fstat, fd, s);
}

int fstat64(int fd, struct stat64 *s) { return fstat(fd, (struct stat *)s); }

static void complain(unsigned long request) {
	if (getenv("MUNINN_LAB_TRACE")) fprintf(stderr, "lab: %s: ioctl %#lx, command %#lx, is not known\n", stand->name, request, _IOC_NR(request));
}

// answer_ioctl works on a copy, as a kernel does: caller and driver may know different lengths of a struct.
static int answer_ioctl(unsigned long request, void *arg) {
	_Alignas(16) unsigned char copy[LARGEST] = {0};
	unsigned nr = _IOC_NR(request), size = _IOC_SIZE(request);
	if (_IOC_TYPE(request) != DRM_IOCTL_BASE || size > LARGEST) return -ENOTTY;
	if (arg && _IOC_DIR(request) & _IOC_WRITE) memcpy(copy, arg, size);
	int r = nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END ? stand->ioctl(nr - DRM_COMMAND_BASE, copy) : gem_ioctl(nr, copy);
	if (r == -ENOTTY) complain(request);
	if (r >= 0 && arg && _IOC_DIR(request) & _IOC_READ) memcpy(arg, copy, size);
	return r;
}

int ioctl(int fd, unsigned long request, ...) {
	va_list list;
	va_start(list, request);
	void *arg = va_arg(list, void *);
	va_end(list);
	struct stat s;
	if (!is_node(fd, &s)) return (int)syscall(SYS_ioctl, fd, request, arg);
	int r = answer_ioctl(request, arg);
	if (r >= 0) return r;
	errno = -r;
	return -1;
}
