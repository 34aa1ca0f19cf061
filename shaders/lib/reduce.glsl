// Sums and maxima over a workgroup of LS invocations, the same value in each. Three builds: with
// SUBGROUP the workgroup is exactly one subgroup (the host requires that size when it builds the pipeline), with WIDE too it is
// several of them, whose sums are added up; without it a tree in shared memory that assumes nothing about subgroups. All add in a
// fixed order.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_arithmetic : require
#ifdef WIDE
shared float reduce_part[LS];
float group_sum(float v) {
    v = subgroupAdd(v);
    if (gl_SubgroupInvocationID == 0) reduce_part[gl_SubgroupID] = v;
    barrier();
    float sum = 0.0;
    for (uint i = gl_SubgroupInvocationID; i < gl_NumSubgroups; i += gl_SubgroupSize) sum += reduce_part[i];
    barrier(); // the next call overwrites reduce_part
    return subgroupAdd(sum);
}
#else
float group_sum(float v) { return subgroupAdd(v); }
float group_max(float v) { return subgroupMax(v); }
#endif
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
