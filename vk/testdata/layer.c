// A layer that fails where MUNINN_TEST_LAYER says: "instance" in vkCreateInstance, "features" in vkCreateDevice when subgroup size
// control or integer dot products are asked for. Else it passes everything on.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef void (*fn)(void);
typedef fn (*get_proc)(void *, const char *);
typedef struct node { uint32_t type; const struct node *next; } node;
typedef struct link { struct link *next; get_proc instance, other; } link;
typedef struct { uint32_t type; const void *next; uint32_t function; link *at; } chain;

static get_proc next_instance, next_device;
static void *the_instance;

static int fails(const char *where) {
	const char *v = getenv("MUNINN_TEST_LAYER");
	return v && strcmp(v, where) == 0;
}

// The loader's own structs in a chain: type 47 for instances, 48 for devices; function 0 has the next layer.
static chain *link_of(const node *info, uint32_t type) {
	for (const node *n = info->next; n; n = n->next)
		if (n->type == type && ((chain *)n)->function == 0) return (chain *)n;
	return NULL;
}

static int32_t create_instance(const node *info, const void *allocator, void **instance) {
	if (fails("instance")) return -3;
	chain *c = link_of(info, 47);
	next_instance = c->at->instance;
	c->at = c->at->next;
	int32_t r = ((int32_t(*)(const node *, const void *, void **))next_instance(NULL, "vkCreateInstance"))(info, allocator, instance);
	the_instance = *instance;
	return r;
}

static int32_t create_device(void *physical, const node *info, const void *allocator, void **device) {
	for (const node *n = info->next; n && fails("features"); n = n->next)
		if (n->type == 1000225002 || n->type == 1000280000) return -3;
	chain *c = link_of(info, 48);
	get_proc get = c->at->instance;
	next_device = c->at->other;
	c->at = c->at->next;
	return ((int32_t(*)(void *, const node *, const void *, void **))get(the_instance, "vkCreateDevice"))(physical, info, allocator, device);
}

fn vkGetDeviceProcAddr(void *device, const char *name) { return next_device(device, name); }

fn vkGetInstanceProcAddr(void *instance, const char *name) {
	if (strcmp(name, "vkCreateInstance") == 0) return (fn)create_instance;
	if (strcmp(name, "vkCreateDevice") == 0) return (fn)create_device;
	if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (fn)vkGetInstanceProcAddr;
	if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (fn)vkGetDeviceProcAddr;
	return next_instance ? next_instance(instance, name) : NULL;
}
