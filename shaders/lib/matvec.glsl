// y = W x for few rows of x: a workgroup computes NR rows of W times NT rows of x. Lanes stride over k in
// 16-byte units, so a weight row is read in one contiguous run, each loaded x serves NR rows and each loaded
// weight NT rows. A row's sum is taken in the same order whatever NT is: a row's result does not depend on
// how many rows share the pass.
// The including kernel defines: PARTS (weight matrices side by side), LOAD_W(part, row, unit),
// LOAD_X(t, vec4 index), EMIT(t, row, acc) with acc[part], and p.rows, p.n, p.units.
#ifdef SUBGROUP
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x_id = 0) in;
#else
#define LS 64
layout(local_size_x = LS) in;
shared float part_sum[NR * NT][LS];
#endif

void main() {
    const uint lane = gl_LocalInvocationIndex;
    const uint row0 = gl_WorkGroupID.x * (NR / PARTS);
    const uint t0 = gl_WorkGroupID.y * NT;
    float acc[NR][NT];
    for (uint r = 0; r < NR; r++)
        for (uint t = 0; t < NT; t++) acc[r][t] = 0.0;

    for (uint u = lane; u < p.units; u += gl_WorkGroupSize.x) {
        vec4 x[NT][XV];
        [[unroll]] for (uint t = 0; t < NT; t++)
            [[unroll]] for (uint v = 0; v < XV; v++) x[t][v] = LOAD_X(min(t0 + t, p.n - 1), u * XV + v);
        [[unroll]] for (uint r = 0; r < NR; r++) {
            const uvec4 packed = LOAD_W(r / (NR / PARTS), min(row0 + r % (NR / PARTS), p.rows - 1), u);
            vec4 w[XV];
            UNPACK(packed, w);
            [[unroll]] for (uint t = 0; t < NT; t++)
                [[unroll]] for (uint v = 0; v < XV; v++) acc[r][t] += dot(w[v], x[t][v]);
        }
    }

#ifdef SUBGROUP
    [[unroll]] for (uint r = 0; r < NR; r++)
        [[unroll]] for (uint t = 0; t < NT; t++) acc[r][t] = subgroupAdd(acc[r][t]);
    if (lane == 0) {
        [[unroll]] for (uint r = 0; r < NR / PARTS; r++)
            [[unroll]] for (uint t = 0; t < NT; t++)
                if (row0 + r < p.rows && t0 + t < p.n) {
                    float sum[PARTS];
                    [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = acc[q * (NR / PARTS) + r][t];
                    EMIT(t0 + t, row0 + r, sum);
                }
    }
#else
    [[unroll]] for (uint r = 0; r < NR; r++)
        [[unroll]] for (uint t = 0; t < NT; t++) part_sum[r * NT + t][lane] = acc[r][t];
    barrier();
    const uint r = lane / NT, t = lane % NT;
    if (r < NR / PARTS && row0 + r < p.rows && t0 + t < p.n) {
        float sum[PARTS];
        for (uint q = 0; q < PARTS; q++) {
            sum[q] = 0.0;
            for (uint i = 0; i < LS; i++) sum[q] += part_sum[(q * (NR / PARTS) + r) * NT + t][i];
        }
        EMIT(t0 + t, row0 + r, sum);
    }
#endif
}
