// Sums and maxima over a workgroup of LS invocations, the same value in each. Two builds: with
// SUBGROUP the workgroup is exactly one subgroup (the host requires that size when it builds the pipeline);
// without it a tree in shared memory that assumes nothing about subgroups. Both add in a fixed order.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_arithmetic : require
float group_sum(float v) { return subgroupAdd(v); }
float group_max(float v) { return subgroupMax(v); }
#else
shared float reduce_part[LS];
float group_sum(float v) {
    const uint i = gl_LocalInvocationIndex;
    reduce_part[i] = v;
    for (uint s = LS / 2; s > 0; s >>= 1) {
        barrier();
        if (i < s) reduce_part[i] += reduce_part[i + s];
    }
    barrier();
    const float r = reduce_part[0];
    barrier(); // the next call overwrites reduce_part
    return r;
}
float group_max(float v) {
    const uint i = gl_LocalInvocationIndex;
    reduce_part[i] = v;
    for (uint s = LS / 2; s > 0; s >>= 1) {
        barrier();
        if (i < s) reduce_part[i] = max(reduce_part[i], reduce_part[i + s]);
    }
    barrier();
    const float r = reduce_part[0];
    barrier();
    return r;
}
#endif
