#version 450
// attention_staged.comp on matrix units, for many rows. A subgroup has M queries of a key head, rows by p.abreast query heads, and goes over
// CHUNK positions at a time: scores are queries by keys, in floats; weights, each the sum of two halves, multiply the values, with sums in
// floats. What is unseen has weight 0. A query goes in halves times a power of two of its own, as halves.comp has rows; its weights are
// 2^(score - base), where base is an integer, so that a new one changes no digit. Sums go by positions alone: a row's bits are the same in
// any company.
//
// Written for NVIDIA's extension, as lib/coop.glsl is.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#extension GL_NV_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
layout(constant_id = 1) const uint M = 16; // the device's matrices are M x K, K x N and M x N
layout(constant_id = 2) const uint N = 16;
layout(constant_id = 3) const uint K = 16;
layout(constant_id = 4) const uint GM = 4; // subgroups
layout(constant_id = 5) const uint HU = 2; // uvec4 in a head of k and v
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/kv.glsl"
#include "lib/half.glsl"
#include "lib/aliased.glsl"
layout(set = 0, binding = 0) readonly buffer Q { vec4 q[]; };      // [n][q_stride]: heads_all heads of hs / 4, after rope
ALIASED layout(set = 0, binding = 1) readonly buffer KEYS { uvec4 k[]; };  // [cell][heads][HU], after rope
ALIASED layout(set = 0, binding = 1) readonly buffer S { uint scales[]; }; // q8: [cell][heads][HU / 2]
layout(set = 0, binding = 2) readonly buffer V { uvec4 v[]; };     // [cell][heads][HU]
layout(set = 0, binding = 3) readonly buffer D { uint words[]; };  // lib/pages.glsl
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };    // [n]
#ifdef QUANTIZE // y as int8 beside itself; heads are whole blocks
ALIASED layout(set = 0, binding = 5) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 5) coherent buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 7) writeonly buffer I8 { uint quant[]; }; // [n] quantized rows
#define NORM_Y4(i) y4[i]
#define QUANT(i) quant[i]
#include "lib/quantize.glsl"
#else
layout(set = 0, binding = 5) writeonly buffer Y { float y[]; };    // [n][stride]
#endif
layout(set = 0, binding = 6) readonly buffer G { float gate[]; };  // [n][gate_stride], when there are gates
#define GATED (p.gate_stride != 0)
#define RULE p.rule
#define WORD(i) words[i]
#include "lib/attention.glsl"

const uint CHUNK = 32;
const float SLACK = 4.0;  // a score may be so far above the base before that moves
const float HIGH = 11.0;  // weights are times 2^HIGH: none that matters is a subnormal half, and none beyond the largest
const uint QUERIES = GM * M;
const uint SHARE = LS / QUERIES;                // lanes of a query
const uint STEP = N > K ? N : K;
const uint WIDTH = (HU * KV_UNIT + STEP - 1) / STEP * STEP; // of a head in shared memory
const uint LINE = WIDTH / 8 + 1;                // vectors from position to position, and from query to query
const uint SLINE = CHUNK / 4 + 1;               // from query to query among scores, and among weights
const uint BOTH = QUERIES > 2 * CHUNK ? QUERIES : 2 * CHUNK;
const uint EACH = (CHUNK * HU + LS - 1) / LS;   // units of keys that a lane brings
const uint EIGHTS = (CHUNK / 8 + SHARE - 1) / SHARE; // runs of eight positions whose weights a lane works out
shared uvec4 stage[BOTH * LINE]; // keys, then values; first the queries
shared uvec4 scores[QUERIES * SLINE];
shared float part[LS];
shared float factor[QUERIES]; // of a query's scores; first of the query
shared float total[QUERIES];
shared uint sees_of[QUERIES]; // 0: the query is not at work
shared uint there[CHUNK];     // positions that have a key
shared uint lacking, wild, moving;
#define SUMS fcoopmatNV<32, gl_ScopeSubgroup, M, N>
// In loops that no driver unrolls matrix x of the sums is taken so: an array that is indexed by what is no constant goes to memory.
#define OF_SUMS(x) [[unroll]] for (uint j = 0; j < WIDTH / N; j++) if (j == x)

// Two halves; what is no number, or infinite, is infinite.
uint halves(vec2 x) {
    const uvec2 h = uvec2(half_bits(round_half(x.x)), half_bits(round_half(x.y)));
    const bvec2 small = lessThan(abs(x), vec2(65520.0));
    return (small.x ? h.x : 0x7c00u) | (small.y ? h.y : 0x7c00u) << 16;
}

// A weight as the sum of two halves, of 11 bits each; what is too small for a normal half is 0.
uvec2 apart(float x) {
    const float high = uintBitsToFloat(floatBitsToUint(x) & ~0x1fffu), low = x - high;
    const uvec2 h = (floatBitsToUint(vec2(high, low)) - 0x38000000u) >> 13;
    return uvec2(min(h.x, 0x7c00u), low < LEAST_HALF ? 0u : h.y); // what is no number becomes infinite
}

#include "lib/bring.glsl"

void main() {
    const uint lane = gl_LocalInvocationIndex, kv_head = gl_WorkGroupID.x / p.tiles, before = gl_WorkGroupID.x % p.tiles * p.abreast;
    const uint abreast = min(p.abreast, p.group - before), head = p.head0 + kv_head * p.group + before; // queries: rows by heads
    const uint n0 = gl_WorkGroupID.y * p.high, count = min(p.high, p.n - n0);
    const uint of = gl_SubgroupID * M, own = of * SLINE; // the subgroup's first query, and its scores
    const uint mine = of + gl_SubgroupInvocationID / SHARE, share = gl_SubgroupInvocationID % SHARE; // the lane's query, and its part of it
#define QUERY(item, x) ((item) < count * abreast && (x) < p.hv ? \
    q[(n0 + (item) / abreast) * p.q_stride + (head + (item) % abreast) * p.hv + (x)] : vec4(0))

    uint most = 0; // bits of sizes compare as sizes do
    for (uint x = share; x < p.hv; x += SHARE) {
        const uvec4 b = floatBitsToUint(QUERY(mine, x)) & 0x7fffffffu;
        most = max(most, max(max(b.x, b.y), max(b.z, b.w)));
    }
    part[mine * SHARE + share] = uintBitsToFloat(most);
    barrier();
    for (uint i = 0; i < SHARE; i++) most = max(most, floatBitsToUint(part[mine * SHARE + i]));
    const int up = clamp(14 + 127 - int(most >> 23), -126, 126); // 2^up brings the largest exponent to 14
    if (share == 0) factor[mine] = uintBitsToFloat(uint(127 + up) << 23);
    barrier();
    for (uint i = lane; i < BOTH * (WIDTH / 8); i += LS) {
        const uint item = i / (WIDTH / 8), x = i % (WIDTH / 8);
        const float large = factor[min(item, QUERIES - 1)];
        const vec4 a = QUERY(item, 2 * x) * large, b = QUERY(item, 2 * x + 1) * large;
        stage[item * LINE + x] = uvec4(halves(a.xy), halves(a.zw), halves(b.xy), halves(b.zw));
    }
    barrier();
    if (share == 0) factor[mine] = uintBitsToFloat(uint(127 - up) << 23) * (p.scale * 1.44269504);
    fcoopmatNV<16, gl_ScopeSubgroup, M, K> a[WIDTH / K];
    [[unroll]] for (uint i = 0; i < WIDTH / K; i++) coopMatLoadNV(a[i], stage, of * LINE + i * (K / 8), LINE, false);

    bool single = false; // rows go one by one
    for (uint from = 0; from < count;) { // runs of rows that share sequence and step
        const Row row = rows[n0 + from];
        uint to = from + 1, sees = row.sees;
        while (RULE != 3 && !single && to < count && rows[n0 + to].seq == row.seq && rows[n0 + to].step == row.step && rows[n0 + to].last_only == row.last_only)
            sees = max(sees, rows[n0 + to++].sees);
        const uint own_at = RULE == 0 ? 0 : own_slot(row, p.every, p.anchor, p.period);
        barrier(); // the last run is done
        if (lane < QUERIES) sees_of[lane] = lane >= from * abreast && lane < to * abreast ? rows[n0 + lane / abreast].sees : 0;
        if (lane == 0) wild = 0, lacking = 0, moving = 0;
        bool missing = false;
        if (RULE == 3) { // always-last: does any position seen lack the reader's slot? Rows see different positions: one by one
            barrier();
            for (uint i = lane; i < row.sees; i += LS)
                if (stored_of(own_cell(row.seq, i)) <= own_at) lacking = 1;
            barrier();
            missing = lacking > 0;
        }

        SUMS sums[WIDTH / N];
        [[unroll]] for (uint j = 0; j < WIDTH / N; j++) sums[j] = SUMS(0.0);
        float base = LEAST, l = 0.0; // l: of the lane's positions
        find(row.seq, own_at, missing, kv_head, 0, sees);
        BRING(k)
        for (uint c0 = 0;;) {
            put(0, true);
            barrier(); // keys are there; the last chunk's values are used
            BRING(v)
            [[unroll]] for (uint j = 0; j < CHUNK / N; j++) {
                SUMS s = SUMS(0.0);
                [[unroll]] for (uint i = 0; i < WIDTH / K; i++) {
                    fcoopmatNV<16, gl_ScopeSubgroup, K, N> b;
                    coopMatLoadNV(b, stage, j * N * LINE + i * (K / 8), LINE, true);
                    s = coopMatMulAddNV(a[i], b, s);
                }
                coopMatStoreNV(s, scores, own + j * (N / 4), SLINE, false);
            }
            subgroupBarrier();
            vec4 s[2 * EIGHTS];
            float top = LEAST;
            [[unroll]] for (uint x = 0; x < 2 * EIGHTS; x++) {
                const uint i = (share + x / 2 * SHARE) * 2 + x % 2; // of four positions
                s[x] = vec4(LEAST);
                if (i < CHUNK / 4) {
                    const vec4 score = uintBitsToFloat(scores[own + (mine - of) * SLINE + i]) * factor[mine];
                    [[unroll]] for (uint c = 0; c < 4; c++)
                        if (c0 + i * 4 + c < sees_of[mine] && there[i * 4 + c] != 0) s[x][c] = score[c];
                    top = max(top, max(max(s[x].x, s[x].y), max(s[x].z, s[x].w)));
                }
            }
            part[mine * SHARE + share] = top;
            if (top > base + SLACK) moving = c0 + 1;
            barrier(); // scores are read
            [[unroll]] for (uint i = 0; i < SHARE; i++) top = max(top, part[mine * SHARE + i]);
            const float next = top > base + SLACK ? ceil(top) : base, step = min(next - base, 126.0);
            if (moving == c0 + 1) { // some query's base moves; which, is the same for all: lavapipe's subgroups wait for each other at any barrier
                const float lower = uintBitsToFloat(uint(127 - int(step)) << 23);
                [[dont_unroll]] for (uint x = 0; x < WIDTH / N; x++) {
                    OF_SUMS(x) coopMatStoreNV(sums[j], scores, own, N / 4, false);
                    subgroupBarrier();
                    for (uint i = own + (mine - of) * (N / 4) + share; i < own + (mine - of + 1) * (N / 4); i += SHARE)
                        scores[i] = floatBitsToUint(uintBitsToFloat(scores[i]) * lower);
                    subgroupBarrier();
                    OF_SUMS(x) coopMatLoadNV(sums[j], scores, own, N / 4, false);
                    subgroupBarrier();
                }
                l *= lower;
                base = next;
            }
            [[unroll]] for (uint x = 0; x < EIGHTS; x++) {
                const uint i = share + x * SHARE;
                uvec4 high, low;
                [[unroll]] for (uint c = 0; c < 4; c++) {
                    const vec2 pair = c % 2 == 0 ? s[2 * x + c / 2].xy : s[2 * x + c / 2].zw;
                    vec2 w = mix(exp2(pair - (base - HIGH)), vec2(0), equal(pair, vec2(LEAST)));
                    w = mix(w, vec2(0), lessThan(w, vec2(LEAST_HALF)));
                    const uvec2 w0 = w.x == 0.0 ? uvec2(0) : apart(w.x), w1 = w.y == 0.0 ? uvec2(0) : apart(w.y);
                    l += w.x;
                    l += w.y;
                    high[c] = w0.x | w1.x << 16, low[c] = w0.y | w1.y << 16;
                }
                if (i < CHUNK / 8) scores[own + (mine - of) * SLINE + i] = high, scores[own + (mine - of) * SLINE + CHUNK / 8 + i] = low;
            }
            put(CHUNK, false);
            barrier(); // weights and values are there; keys are used
            c0 += CHUNK;
            if (c0 < sees) {
                find(row.seq, own_at, missing, kv_head, c0, sees);
                BRING(k)
            }
            [[dont_unroll]] for (uint i = 0; i < CHUNK / K; i++) {
                fcoopmatNV<16, gl_ScopeSubgroup, M, K> high, low;
                coopMatLoadNV(high, scores, own + i * (K / 8), SLINE, false);
                coopMatLoadNV(low, scores, own + CHUNK / 8 + i * (K / 8), SLINE, false);
                [[unroll]] for (uint j = 0; j < WIDTH / N; j++) {
                    fcoopmatNV<16, gl_ScopeSubgroup, K, N> b;
                    coopMatLoadNV(b, stage, (CHUNK + i * K) * LINE + j * (N / 8), LINE, false);
                    sums[j] = coopMatMulAddNV(high, b, coopMatMulAddNV(low, b, sums[j]));
                }
            }
            if (c0 >= sees) break;
        }

        // Sums go out by shared memory: where a subgroup's lanes have which element is the driver's to know.
        part[mine * SHARE + share] = l;
        subgroupBarrier();
        if (share == 0) {
            l = 0.0;
            for (uint i = 0; i < SHARE; i++) l += part[mine * SHARE + i];
            total[mine] = l;
        }
        [[dont_unroll]] for (uint x = 0; x < WIDTH / N; x++) {
            subgroupBarrier();
            OF_SUMS(x) coopMatStoreNV(sums[j], scores, own, N / 4, false);
            subgroupBarrier();
            for (uint e = gl_SubgroupInvocationID; e < M * N; e += gl_SubgroupSize) {
                const uint item = of + e / N, column = x * N + e % N;
                if (sees_of[item] > 0 && column < p.h) {
                    const uint n = n0 + item / abreast, i0 = (head + item % abreast) * p.h + column;
                    const float sum = uintBitsToFloat(scores[own + e / 4][e % 4]) / total[item];
                    if (!finite(sum)) wild = 1;
                    y[n * p.stride + i0] = gated(sum, n, i0);
                }
            }
        }
        if (to - from > 1) {
            barrier();
            if (wild > 0) {
                single = true;
                continue;
            }
        }
#ifdef QUANTIZE
        memoryBarrierBuffer();
        barrier();
        const uint blocks = p.h / 32 * abreast; // of a row
        for (uint b = lane; b < (to - from) * blocks; b += LS)
            quantize_block((n0 + from + b / blocks) * p.stride, p.stride, head * (p.h / 32) + b % blocks);
#endif
        from = to;
    }
}
