// Lets the workgroup that arrives last go on with what all of them wrote to coherent buffers. The kernel declares
// coherent uint arrived[], which is zero between dispatches; `of` is how many arrive.
#ifdef SUBGROUP
bool last_to_arrive(uint tile, uint of) {
    memoryBarrierBuffer(); // what this workgroup wrote comes before its arrival
    uint last = 0;
    if (gl_LocalInvocationIndex == 0) {
        last = atomicAdd(arrived[tile], 1) + 1 == of ? 1 : 0;
        if (last == 1) arrived[tile] = 0;
    }
    last = subgroupAdd(last);
    memoryBarrierBuffer();
    return last == 1;
}
#else
shared uint last_shared;
bool last_to_arrive(uint tile, uint of) {
    memoryBarrierBuffer();
    barrier();
    if (gl_LocalInvocationIndex == 0) {
        last_shared = atomicAdd(arrived[tile], 1) + 1 == of ? 1 : 0;
        if (last_shared == 1) arrived[tile] = 0;
    }
    barrier();
    memoryBarrierBuffer();
    return last_shared == 1;
}
#endif
