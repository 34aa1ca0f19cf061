// What node.c and gem.c, the two halves of the common part, know of each other.
#ifndef MUNINN_LAB_GEM_H
#define MUNINN_LAB_GEM_H

#include "stand.h"

// node_memory is the file that buffers lie in, node_stand the driver that is stood in for.
int node_memory(void);
const struct stand *node_stand(void);

// gem_ioctl answers what all drivers share: version, capabilities, handles, sync objects.
int gem_ioctl(unsigned nr, void *arg);

#endif
