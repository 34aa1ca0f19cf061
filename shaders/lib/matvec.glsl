// y = W x for few rows of x: a workgroup computes NR rows of W times NT rows of x. Lanes stride over k in
// units, so a weight row is read in one contiguous run, each loaded x serves NR rows and each loaded
// weight NT rows. A row's sum is taken in the same order and by the same operations whatever NR and NT are: a row's result
// does not depend on how many rows share the pass. So there is no dot, whose order is the driver's, and no product added by
// another operation, which it may contract in one pipeline and not in the next.
// The including kernel may define X_ROW(t), which row of x is its t-th, and defines: PARTS (weight matrices side by side), LOAD_W(packed, part, row, unit),
// LOAD_X(t, vec4 index) or with INT8 LOAD_Q(quantized, t, unit), EMIT(t, row, acc) with acc[part], and p.rows, p.n, p.units; FINISH(t0), if anything
// follows.
// NR counts the weight rows of all parts together. Both numbers are specialization constants, or, for drivers that do not
// unroll loops themselves, fixed by the variant.
#ifndef NR
layout(constant_id = 1) const uint NR = 4;
layout(constant_id = 2) const uint NT = 1;
#endif
#define BEGIN_SUMS                                                                   \
    const uint row0 = (p.first + gl_WorkGroupID.x) * ROWS;                           \
    const uint t0 = gl_WorkGroupID.y * NT;                                           \
    float acc[NR][NT];                                                               \
    [[unroll]] for (uint r = 0; r < NR; r++)                                         \
        [[unroll]] for (uint t = 0; t < NT; t++) acc[r][t] = 0.0;                    \
    uint x_row[NT];                                                                  \
    [[unroll]] for (uint t = 0; t < NT; t++) x_row[t] = X_ROW(min(t0 + t, p.n - 1));
#ifdef WIDE
#include "widevec.glsl"
#else
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 64
layout(local_size_x = LS) in;
shared float part_sum[NR * NT][LS];
#endif
#include "reduce.glsl"
#ifdef NORM
#include "last.glsl"
#include "wide.glsl"
#include "addnorm.glsl"
#elif defined(LAST_QUANTIZES)
#include "last.glsl"
#include "quantize.glsl"
#endif
#define ROWS (NR / PARTS)

void main() {
    LOWER
    const uint lane = gl_LocalInvocationIndex;
    BEGIN_SUMS

    for (uint u = lane; u < p.units; u += LS) {
        Packed packed[NR];
        [[unroll]] for (uint r = 0; r < NR; r++) LOAD_W(packed[r], r / (NR / PARTS), min(row0 + r % (NR / PARTS), p.rows - 1), u);
#ifdef INT8 // whole numbers within a unit, float32 across units
        [[unroll]] for (uint t = 0; t < NT; t++) {
            Quantized x;
            LOAD_Q(x, x_row[t], u);
            [[unroll]] for (uint r = 0; r < NR; r++) acc[r][t] = fma(float(unit_dot(packed[r].q, x.q)), packed[r].d * x.d, acc[r][t]);
        }
#else
        [[unroll]] for (uint v = 0; v < XV; v++) {
            vec4 w[NR];
            [[unroll]] for (uint r = 0; r < NR; r++) w[r] = unpack(packed[r], v);
            [[unroll]] for (uint t = 0; t < NT; t++) {
                const vec4 x = LOAD_X(x_row[t], u * XV + v);
                [[unroll]] for (uint r = 0; r < NR; r++) acc[r][t] += fma(w[r].w, x.w, fma(w[r].z, x.z, fma(w[r].y, x.y, fma(w[r].x, x.x, 0.0)))); // four at a time: a shorter sum
            }
        }
#endif
    }

#ifdef SUBGROUP
    [[unroll]] for (uint r = 0; r < NR; r++)
        [[unroll]] for (uint t = 0; t < NT; t++) acc[r][t] = subgroupAdd(acc[r][t]);
    if (lane == 0) {
        [[unroll]] for (uint r = 0; r < NR / PARTS; r++)
            [[unroll]] for (uint t = 0; t < NT; t++)
                if (row0 + r < p.rows && t0 + t < p.n) {
                    float sum[PARTS];
                    [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = LOWERED(acc[q * (NR / PARTS) + r][t], q);
                    EMIT(t0 + t, row0 + r, sum);
                }
    }
#else
    [[unroll]] for (uint r = 0; r < NR; r++)
        [[unroll]] for (uint t = 0; t < NT; t++) part_sum[r * NT + t][lane] = acc[r][t];
    barrier();
    for (uint i = lane; i < NR / PARTS * NT; i += LS) {
        const uint r = i / NT, t = i % NT;
        if (row0 + r < p.rows && t0 + t < p.n) {
            float sum[PARTS];
            for (uint q = 0; q < PARTS; q++) {
                sum[q] = 0.0;
                for (uint l = 0; l < LS; l++) sum[q] += part_sum[(q * (NR / PARTS) + r) * NT + t][l];
                sum[q] = LOWERED(sum[q], q);
            }
            EMIT(t0 + t, row0 + r, sum);
        }
    }
#endif
#ifdef FINISH
    FINISH(t0)
#endif
}
#endif
