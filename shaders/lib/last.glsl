// Lets the workgroup that arrives last go on with what all of them wrote to coherent buffers. The kernel declares
// coherent uint arrived[], which is zero between dispatches; `of` is how many arrive, each as `mine` of them.
//
// All that a workgroup wrote is released to the device before invocation 0 arrives, and acquired after it has: by barriers
// that order every invocation's writes and reads with invocation 0's, not by their running in step.
#extension GL_KHR_memory_scope_semantics : require
#ifdef SUBGROUP
#define ARRIVAL_BARRIER controlBarrier(gl_ScopeSubgroup, gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsAcquireRelease)
#else
#define ARRIVAL_BARRIER controlBarrier(gl_ScopeWorkgroup, gl_ScopeDevice, gl_StorageSemanticsBuffer | gl_StorageSemanticsShared, gl_SemanticsAcquireRelease)
shared uint last_shared;
#endif
bool last_to_arrive(uint tile, uint mine, uint of) {
    ARRIVAL_BARRIER;
    uint last = 0;
    if (gl_LocalInvocationIndex == 0) {
        last = atomicAdd(arrived[tile], mine, gl_ScopeDevice, gl_StorageSemanticsBuffer, gl_SemanticsAcquireRelease) + mine == of ? 1 : 0;
        if (last == 1) arrived[tile] = 0;
#ifndef SUBGROUP
        last_shared = last;
#endif
    }
    ARRIVAL_BARRIER;
#ifdef SUBGROUP
    return subgroupAdd(last) == 1;
#else
    return last_shared == 1;
#endif
}
