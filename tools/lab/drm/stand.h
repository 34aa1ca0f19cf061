// A stand-in for a kernel's GPU driver: what the common part (node.c) asks of one, and what it offers.
#ifndef MUNINN_LAB_STAND_H
#define MUNINN_LAB_STAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// stand is one kernel driver.
struct stand {
	const char *name; // as DRM_IOCTL_VERSION gives it
	int major, minor;
	// ioctl answers a command of the driver's own, numbered from DRM_COMMAND_BASE. arg holds the struct, zero behind what the caller
	// gave. 0, or a negative errno; -ENOTTY says that it is not known.
	int (*ioctl)(unsigned command, void *arg);
};

extern const struct stand stand_amdgpu, stand_asahi, stand_i915, stand_msm, stand_nouveau, stand_xe;

// param is a number that the table of devices gives for this one, or what it is if the table is silent.
uint64_t param(const char *name, uint64_t otherwise);

// pci_id is the device's own half of its PCI id; 0 where it does not sit on PCI.
uint32_t pci_id(void);

// A buffer is a range of the one memory that all of them live in; its place is also the offset that it is mapped at. Large ones share a range:
// nothing is computed, so nobody sees what is in them, and no machine need hold a model for it.
struct buffer {
	uint64_t size, place;
	int references; // 0: free
	uint64_t tag;   // the driver's own
};

// buffer_new makes a buffer. The handle is 1 or more; a size of 0 is -EINVAL.
int buffer_new(uint64_t size, uint32_t *handle);

// buffer_of returns the buffer of a handle, or NULL.
struct buffer *buffer_of(uint32_t handle);

// buffer_place returns the offset that a buffer is mapped at, or 0.
uint64_t buffer_place(uint32_t handle);

// sync_signal makes a sync object's timeline reach a point.
void sync_signal(uint32_t handle, uint64_t point);

// done_fd is a file descriptor that polls as ready: a fence of work that is done.
int done_fd(void);

// serial is a number that was not given before, from 1 on.
uint32_t serial(void);

// nanoseconds of a clock that never goes back.
uint64_t now(void);

// answer copies what an ioctl gives back through a pointer: at most room bytes, of which there are size.
void answer(uint64_t pointer, size_t room, const void *from, size_t size);

#endif
