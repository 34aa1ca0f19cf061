// Sums and maxima over a workgroup of LS invocations, the same value in each. Three builds: with
// SUBGROUP the workgroup is exactly one subgroup (the host requires that size when it builds the pipeline), with WIDE too it is
// several of them, whose sums are added up; without it a tree in shared memory that assumes nothing about subgroups. All add in a
// fixed order.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_arithmetic : require
#ifdef WIDE
shared float reduce_part[LS];
uint reduce_at = 0; // where this call's are: the next one's may be written while some still read these
float group_sum(float v) {
    v = subgroupAdd(v);
    if (gl_SubgroupInvocationID == 0) reduce_part[reduce_at + gl_SubgroupID] = v;
    barrier();
    float sum = 0.0;
    for (uint from = 0; from < gl_NumSubgroups; from += gl_SubgroupSize) {
        const uint i = from + gl_SubgroupInvocationID;
        const float part = reduce_part[reduce_at + min(i, gl_NumSubgroups - 1)];
        sum += i < gl_NumSubgroups ? part : 0.0;
    }
    reduce_at = LS / 2 - reduce_at;
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
