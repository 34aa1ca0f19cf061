// y = W x for many rows of x on matrix units: x in half precision (halves.comp), weights brought to it on their way into shared memory,
// sums in floats. A workgroup of GM x GN subgroups takes GM CM M rows of x and GN CN N weight rows, DEPTH deep in k; a subgroup has
// CM x CN matrices of sums. While one step is multiplied the next one's loads are under way, and it goes into the other half of shared memory.
// Hooks as in tile.glsl; with PARTS = 2, half of a subgroup's weight rows are of either matrix.
//
// Written for NVIDIA's extension, which glslc of 2023 knows; tools/glsl translates it into Khronos's.
#extension GL_NV_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
layout(constant_id = 1) const uint M = 16; // the device's matrices are M x K, K x N and M x N
layout(constant_id = 2) const uint N = 16;
layout(constant_id = 3) const uint K = 16;
layout(constant_id = 4) const uint CM = 2;
layout(constant_id = 5) const uint CN = 2;
layout(constant_id = 6) const uint GM = 2;
layout(constant_id = 7) const uint GN = 2;
layout(constant_id = 8) const uint DEPTH = 32;
const uint UNITS = DEPTH / UNIT;   // of a weight row in a step
const uint LINE = DEPTH / 8 + 1;   // vectors from row to row in shared memory: eight rows begin in different banks
const uint XROWS = GM * CM * M;
const uint WROWS = GN * CN * N;
const uint SPAN = CN * N / PARTS; // weight rows of a part that a subgroup has
const uint XEACH = (XROWS * (DEPTH / 8) + LS - 1) / LS;
const uint WEACH = (WROWS * UNITS + LS - 1) / LS;
shared uvec4 tw[2 * WROWS * LINE];
shared uvec4 tx[2 * XROWS * LINE];
#define SUMS fcoopmatNV<32, gl_ScopeSubgroup, M, N>

#if defined(W_Q8_0)
#define LESS 128.0 // weights go in that much smaller, so that none is beyond the largest half
f16vec2 times(uint pair, float16_t d) { return (unpackFloat2x16(pair | 0x48004800u) - float16_t(9)) * d; } // 8 + b / 128, b 128 too large
uvec2 four_halves(uint bytes, float16_t d) {
    const uint b = bytes ^ 0x80808080u;
    return uvec2(packFloat2x16(times(b & 255 | (b & 0xff00u) << 8, d)), packFloat2x16(times(b >> 16 & 255 | b >> 8 & 0xff0000u, d)));
}
#elif defined(W_Q4_0)
#define LESS 8.0
f16vec2 times(uint pair, float16_t d) { return (unpackFloat2x16(pair | 0x58005800u) - float16_t(129)) * d; } // 128 + b / 8, b 8 too large
uvec2 four_halves(uint bytes, float16_t d) {
    return uvec2(packFloat2x16(times(bytes & 15 | (bytes & 0xf00u) << 8, d)), packFloat2x16(times(bytes >> 16 & 15 | bytes >> 8 & 0xf0000u, d)));
}
#else
#define LESS 1.0
#endif

// A unit of weights into shared memory. lower is the factor of their shard.
void put(uint at, Packed w, float lower) {
#if defined(W_Q8_0)
    const float16_t d = float16_t(w.d);
    [[unroll]] for (uint i = 0; i < 2; i++) tw[at + i] = uvec4(four_halves(w.q[2 * i], d), four_halves(w.q[2 * i + 1], d));
#elif defined(W_Q4_0)
    const float16_t d = float16_t(w.d);
    [[unroll]] for (uint i = 0; i < 4; i++) {
        const uvec2 q = (i % 2 == 0 ? w.q.xy : w.q.zw) >> (i / 2 * 4);
        tw[at + i] = uvec4(four_halves(q.x, d), four_halves(q.y, d));
    }
#elif defined(W_BF16)
    const float up = uintBitsToFloat((254u << 23) - floatBitsToUint(lower)); // 1 / lower
    [[unroll]] for (uint i = 0; i < 4; i++)
        w.q[i] = packFloat2x16(f16vec2(uintBitsToFloat(uvec2(w.q[i] << 16, w.q[i] & 0xffff0000u)) * up));
    tw[at] = w.q;
#else
    tw[at] = w.q;
#endif
}

void main() {
    LOWER
    const uint lane = gl_LocalInvocationIndex;
    const uint row0 = (p.first + gl_WorkGroupID.x) * (WROWS / PARTS), t0 = gl_WorkGroupID.y * XROWS;
    const uint gm = gl_SubgroupID % GM, gn = gl_SubgroupID / GM;
    SUMS sums[CM][CN];
    [[unroll]] for (uint i = 0; i < CM; i++)
        [[unroll]] for (uint j = 0; j < CN; j++) sums[i][j] = SUMS(0.0);
    Packed w[WEACH];
    uvec4 x[XEACH];
    const uint end = p.units * UNIT;

#define FETCH(k0)                                                                                                  \
    [[unroll]] for (uint e = 0; e < XEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, XROWS * (DEPTH / 8) - 1);                                                \
        x[e] = FOUR(x_in, min(t0 + i / (DEPTH / 8), p.n - 1) * p.x_stride + (k0) / 8 + i % (DEPTH / 8));           \
    }                                                                                                              \
    [[unroll]] for (uint e = 0; e < WEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, WROWS * UNITS - 1), r = i / UNITS, unit = (k0) / UNIT + i % UNITS;       \
        const uint row = min(row0 + r / (CN * N) * SPAN + r % SPAN, p.rows - 1);                                   \
        LOAD_W(w[e], r % (CN * N) / SPAN, row, min(unit, p.units - 1));                                            \
        if (unit >= p.units) w[e].q = uvec4(0);                                                                    \
    }
#define PUT(side)                                                                                                 \
    [[unroll]] for (uint e = 0; e < XEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, XROWS * (DEPTH / 8) - 1);                                                \
        tx[((side) * XROWS + i / (DEPTH / 8)) * LINE + i % (DEPTH / 8)] = x[e];                                   \
    }                                                                                                              \
    [[unroll]] for (uint e = 0; e < WEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, WROWS * UNITS - 1);                                                      \
        put(((side) * WROWS + i / UNITS) * LINE + i % UNITS * (UNIT / 8), w[e], i / UNITS % (CN * N) < SPAN ? p.lower0 : p.lower1); \
    }

    FETCH(0)
    PUT(0)
    for (uint k0 = 0, side = 0;; side ^= 1) {
        barrier();
        k0 += DEPTH;
        if (k0 < end) { FETCH(k0) }
        [[unroll]] for (uint k = 0; k < DEPTH / K; k++) {
            fcoopmatNV<16, gl_ScopeSubgroup, M, K> a[CM];
            [[unroll]] for (uint i = 0; i < CM; i++)
                coopMatLoadNV(a[i], tx, (side * XROWS + (gm * CM + i) * M) * LINE + k * (K / 8), LINE, false);
            [[unroll]] for (uint j = 0; j < CN; j++) {
                fcoopmatNV<16, gl_ScopeSubgroup, K, N> b;
                coopMatLoadNV(b, tw, (side * WROWS + (gn * CN + j) * N) * LINE + k * (K / 8), LINE, true);
                [[unroll]] for (uint i = 0; i < CM; i++) sums[i][j] = coopMatMulAddNV(a[i], b, sums[i][j]);
            }
        }
        if (k0 >= end) break;
        PUT(side ^ 1)
    }

    // Sums go out by shared memory, matrix by matrix: where a subgroup's lanes have which element is the driver's to know.
    const uint own = gl_SubgroupID * (PARTS * M * N / 4);
    [[unroll]] for (uint i = 0; i < CM; i++)
        [[unroll]] for (uint j = 0; j < CN / PARTS; j++) {
            barrier();
            [[unroll]] for (uint q = 0; q < PARTS; q++) coopMatStoreNV(sums[i][j + q * (CN / PARTS)], tw, own + q * (M * N / 4), N / 4, false);
            barrier();
            for (uint e = gl_SubgroupInvocationID; e < M * N; e += gl_SubgroupSize) {
                const uint tok = t0 + (gm * CM + i) * M + e / N, row = row0 + gn * SPAN + j * N + e % N;
                if (tok < p.n && row < p.rows) {
                    const float scale = ONE(x_scales, (tok + 1) * p.x_stride * 4 - 4) * LESS;
                    float sum[PARTS];
                    [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = LOWERED(uintBitsToFloat(tw[own + (q * M * N + e) / 4][e % 4]), q) * scale;
                    EMIT(tok, row, sum);
                }
            }
        }
}
