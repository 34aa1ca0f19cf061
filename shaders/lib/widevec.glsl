// matvec.glsl on GPUs, whose memory is as far as it is wide: BESIDE sets of NR weight rows side by side in a workgroup, each taken by the
// lanes of every BESIDE-th run of RUN, which so share a row's k. A run of 8 reads 128 bytes of a row, and lanes of one subgroup that have other rows
// the same x: of 32 lanes along one row of q4_0 each load of x would be another line of the cache. A lane loads DEPTH units
// of its rows before it multiplies the first.
//
// How many lanes share a row's k fixes the order of its sum; the other numbers change no bit.
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
layout(constant_id = 4) const uint BESIDE = 1;
layout(constant_id = 5) const uint DEPTH = 1;
layout(constant_id = 6) const uint RUN = 8;
const uint SHARE = LS / BESIDE, ROWS = NR / PARTS * BESIDE;
shared float part_sum[NR * LS]; // [lane of a row][part][row]
shared float quarter_sum[NR * BESIDE * 4];
#ifdef LAST_QUANTIZES
#include "last.glsl"
#include "quantize.glsl"
#endif

void main() {
    LOWER
    const uint lane = gl_LocalInvocationIndex, along = lane / (RUN * BESIDE) * RUN + lane % RUN, first = lane / RUN % BESIDE * (NR / PARTS);
    BEGIN_SUMS

#ifdef BLOCKS
    uvec2 row[NR];
#else
    uint row[NR];
#endif
    [[unroll]] for (uint r = 0; r < NR; r++) row[r] = WIDE_ROW(min(row0 + first + r % (NR / PARTS), p.rows - 1));
    for (uint u0 = along; u0 < p.units; u0 += DEPTH * SHARE) {
        Packed packed[DEPTH][NR];
        [[unroll]] for (uint d = 0; d < DEPTH; d++)
            [[unroll]] for (uint r = 0; r < NR; r++)
                LOAD_W(packed[d][r], r / (NR / PARTS), row[r], min(u0 + d * SHARE, p.units - 1));
        [[unroll]] for (uint d = 0; d < DEPTH; d++) {
            const uint u = u0 + d * SHARE;
            if (u >= p.units) break;
#ifdef INT8
            [[unroll]] for (uint t = 0; t < NT; t++) {
                Quantized x;
                LOAD_Q(x, x_row[t], u);
                [[unroll]] for (uint r = 0; r < NR; r++) acc[r][t] = fma(float(unit_dot(packed[d][r].q, x.q)), packed[d][r].d * x.d, acc[r][t]);
            }
#else
            float sum[NR][NT]; // of the unit
            [[unroll]] for (uint v = 0; v < XV; v++) {
                vec4 w[NR];
                [[unroll]] for (uint r = 0; r < NR; r++) w[r] = unpack_raised(packed[d][r], v);
                [[unroll]] for (uint t = 0; t < NT; t++) {
                    const vec4 x = LOAD_X(x_row[t], u * XV + v) * LOWERING(v);
                    [[unroll]] for (uint r = 0; r < NR; r++)
                        sum[r][t] = fma(w[r].w, x.w, fma(w[r].z, x.z, fma(w[r].y, x.y, fma(w[r].x, x.x, v == 0 ? 0.0 : sum[r][t]))));
                }
            }
            [[unroll]] for (uint r = 0; r < NR; r++)
                [[unroll]] for (uint t = 0; t < NT; t++)
#ifdef BLOCKS
                    acc[r][t] = fma(sum[r][t], packed[d][r].d, acc[r][t]);
#else
                    acc[r][t] += sum[r][t];
#endif
#endif
        }
    }

    [[unroll]] for (uint t = 0; t < NT; t++) { // the lanes of a row in four quarters, then those
        [[unroll]] for (uint r = 0; r < NR; r++) part_sum[(along * PARTS + r / (NR / PARTS)) * ROWS + first + r % (NR / PARTS)] = acc[r][t];
        barrier();
        for (uint i = lane; i < NR * BESIDE * 4; i += LS) {
            float sum = 0.0;
            for (uint l = 0; l < SHARE / 4; l++) sum += part_sum[l * 4 * NR * BESIDE + i];
            quarter_sum[i] = sum;
        }
        barrier();
        for (uint r = lane; r < ROWS; r += LS)
            if (row0 + r < p.rows && t0 + t < p.n) {
                float sum[PARTS];
                [[unroll]] for (uint q = 0; q < PARTS; q++) {
                    sum[q] = 0.0;
                    [[unroll]] for (uint l = 0; l < 4; l++) sum[q] += quarter_sum[(l * PARTS + q) * ROWS + r];
                    sum[q] = LOWERED(sum[q], q);
                }
                EMIT(t0 + t, row0 + r, sum);
            }
    }
#ifdef FINISH
    FINISH(t0)
#endif
}
