#version 450
// attention.comp for GPUs. A workgroup takes up to TR queries of a key head, p.high rows of p.abreast query heads each, and SEGMENT
// positions at a time: keys, then values come into shared memory, neighbouring lanes reading neighbouring words, and serve all queries
// whose rows are of one sequence and step. Segments have a softmax each and are joined in order; with few rows each has a workgroup
// of its own and the last to finish joins them (p.split). The order of every sum goes by positions alone, whatever TR and company are,
// and no product is left for a driver to contract with an addition.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#if TR > 4
#define LS 128
#define HELD 4 // queries at most whose values a lane sums, one float vector of each
#define EACH_VECTOR [[dont_unroll]] for // with 8 queries a driver that unrolls runs out of registers
#else
#define EACH_VECTOR for
#define LS 64
#define HELD (TR == 4 ? 2 : 1)
#endif
#define ABREAST 64  // positions whose scores are worked out at once
#define SHARERS (LS / ABREAST)
#define MINE (TR / SHARERS) // queries whose scores a lane works out
#define TOPS 8  // lanes that look for a query's largest score
#define UNITS 8 // uvec4 of a key that are staged at once, at most
layout(local_size_x = LS) in;
layout(constant_id = 0) const uint HU = 2; // uvec4 in a head of k and v
layout(constant_id = 1) const uint SEGMENT = 128; // a multiple of ABREAST
layout(constant_id = 2) const uint DEEP = 4; // loads of a lane that do not wait for each other
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/kv.glsl"
#include "lib/aliased.glsl"
layout(set = 0, binding = 0) readonly buffer Q { vec4 q[]; };      // [n][q_stride]: heads_all heads of hs / 4, after rope
ALIASED layout(set = 0, binding = 1) readonly buffer K { uvec4 k[]; };     // [cell][heads][HU], after rope
ALIASED layout(set = 0, binding = 1) readonly buffer S { uint scales[]; }; // q8: [cell][heads][HU / 2]
layout(set = 0, binding = 2) readonly buffer V { uvec4 v[]; };     // [cell][heads][HU]
layout(set = 0, binding = 3) readonly buffer D { uint words[]; };  // lib/pages.glsl
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };    // [n]
#ifdef QUANTIZE // y as int8 beside itself; heads are whole blocks
ALIASED layout(set = 0, binding = 5) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 5) coherent buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 7 + 2 * (TR <= 4 ? 1 : 0)) writeonly buffer I8 { uint quant[]; }; // [n] quantized rows
#define NORM_Y4(i) y4[i]
#define QUANT(i) quant[i]
#include "lib/quantize.glsl"
#else
layout(set = 0, binding = 5) writeonly buffer Y { float y[]; };    // [n][stride]
#endif
layout(set = 0, binding = 6) readonly buffer G { float gate[]; };  // [n][gate_stride], when there are gates
layout(set = 0, binding = 7) coherent buffer P { vec4 parts[]; };  // split: [n][heads_all][segments][hs / 4 + 1], top and total last
layout(set = 0, binding = 8) coherent buffer C { uint arrived[]; }; // split: [n][heads_all], 0 before and after
#define GATED (p.gate_stride != 0)
#define RULE p.rule
#define WORD(i) words[i]
#include "lib/attention.glsl"
#include "lib/last.glsl"

// What holds four values in the cache.
#if defined(KV_F32)
#define FOUR uvec4
vec4 vector(FOUR four) { return uintBitsToFloat(four); }
#elif defined(KV_F16)
#define FOUR uvec2
vec4 vector(FOUR four) { return vec4(unpackHalf2x16(four.x), unpackHalf2x16(four.y)); }
#else
#define FOUR uint
vec4 vector(FOUR four) { return kv_bytes(four); }
#endif
const uint W = HU * KV_XV; // float vectors in a head, with its padding
const uint PIECES = (HU + UNITS - 1) / UNITS;
#ifdef KV_Q8
const uint PIECE = ((HU + PIECES - 1) / PIECES + 1) / 2 * 2; // units of a key that are staged at once: whole blocks
#else
const uint PIECE = (HU + PIECES - 1) / PIECES;
#endif
const uint FIT = HU <= 4 ? 2 * ABREAST : ABREAST * UNITS / HU / 4 * 4;
const uint VALUES = SEGMENT < FIT ? SEGMENT : FIT; // positions whose values are staged at once
const uint KEY = UNITS * KV_XV + 1; // odd: lanes that read one position each meet in no bank

shared vec4 q_row[TR * (TR > 4 ? 32 : 64)]; // [TR][W]
shared vec4 weight[TR * (SEGMENT / 4 + 1)];  // of the positions: first scores
#define WEIGHT(r, i) weight[(r) * (SEGMENT / 4 + 1) + (i)]
shared FOUR stage[ABREAST * KEY];
#ifdef KV_Q8
shared uint scale[ABREAST * UNITS / 2];
#endif
shared uint address[SEGMENT];
shared float tops[TR * TOPS];
shared uint sees_of[TR]; // 0: the query is not at work
shared uint lacking, wild;

uint held(uint x) { return x * (LS / W) + gl_LocalInvocationIndex / W; } // which query, if below TR
bool at_work(uint item) { return gl_LocalInvocationIndex < LS / W * W && item < TR && sees_of[item] > 0; }

#include "lib/stage.glsl"

// What a segment gives each query that this lane holds a part of: the largest score, the sum of weights and the weighted values.
float top[HELD], total[HELD];
vec4 acc[HELD];

// attend goes over positions c0.. below end, at most a segment.
void attend(uint seq, uint own, bool missing, uint kv_head, uint c0, uint end) {
    const uint lane = gl_LocalInvocationIndex, n = end - c0;
    barrier(); // queries are there; the last segment's weights are used
    for (uint i = lane; i < SEGMENT; i += LS) {
        uint at = NONE;
        if (i < n) {
            const uint cell = own_cell(seq, c0 + i), slot = lookup(own, cell, missing);
            if (slot != NONE) at = place(slot, cell, seq, c0 + i, kv_head);
        }
        address[i] = at;
    }

    const uint pos = lane % ABREAST, first = lane / ABREAST * MINE;
    for (uint i0 = 0; i0 < n; i0 += ABREAST) {
        vec4 s[MINE];
        [[unroll]] for (uint r = 0; r < MINE; r++) s[r] = vec4(0);
        for (uint u0 = 0; u0 < HU; u0 += PIECE) {
            barrier(); // addresses are there; what was staged is used
            const uint many = min(PIECE, HU - u0);
            BRING(k, i0, ABREAST, u0, PIECE, KEY)
            barrier();
            EACH_VECTOR(uint x = 0; x < many * KV_XV; x++) {
                vec4 key = vector(stage[pos * KEY + x]);
#ifdef KV_Q8
                key *= key_scale(scale[pos * (PIECE / 2) + x / 8]);
#endif
                [[unroll]] for (uint r = 0; r < MINE; r++) s[r] = fma(q_row[(first + r) * W + u0 * KV_XV + x], key, s[r]);
            }
        }
        [[unroll]] for (uint r = 0; r < MINE; r++) {
            const bool seen = address[i0 + pos] != NONE && c0 + i0 + pos < sees_of[first + r];
            WEIGHT(first + r, (i0 + pos) / 4)[pos % 4] = seen ? s[r].x + s[r].y + s[r].z + s[r].w : LEAST;
        }
    }
    barrier();

    const uint query = lane / TOPS, fours = (n + 3) / 4;
    if (query < TR) {
        vec4 most = vec4(LEAST);
        for (uint i = lane % TOPS; i < fours; i += TOPS) most = max(most, WEIGHT(query, i));
        tops[lane] = max(max(most.x, most.y), max(most.z, most.w));
    }
    barrier();
    if (query < TR) {
        float most = LEAST;
        for (uint i = 0; i < TOPS; i++) most = max(most, tops[query * TOPS + i]);
        for (uint i = lane % TOPS; i < fours; i += TOPS) {
            const vec4 score = WEIGHT(query, i);
            WEIGHT(query, i) = mix(exp(score - most), vec4(0), equal(score, vec4(LEAST)));
        }
    }
    [[unroll]] for (uint x = 0; x < HELD; x++) {
        const uint item = min(held(x), TR - 1);
        top[x] = LEAST;
        for (uint i = 0; i < TOPS; i++) top[x] = max(top[x], tops[item * TOPS + i]);
        total[x] = 0.0;
        acc[x] = vec4(0);
    }
    for (uint i0 = 0; i0 < n; i0 += VALUES) {
        const uint many = min(VALUES, (n - i0 + 3) / 4 * 4);
        barrier(); // weights are there; what was staged is used
        BRING(v, i0, many, 0, HU, W)
        barrier();
        if (lane < min(LS / W, TR) * W)
            for (uint i = 0; i < many; i += 4) {
                vec4 value[4];
                [[unroll]] for (uint j = 0; j < 4; j++) {
                    value[j] = vector(stage[(i + j) * W + lane % W]);
#ifdef KV_Q8
                    value[j] *= value_scale(scale[(i + j) * (HU / 2) + lane % W / 8]);
#endif
                }
                [[unroll]] for (uint x = 0; x < HELD; x++) {
                    const vec4 w = WEIGHT(min(held(x), TR - 1), (i0 + i) / 4);
                    [[unroll]] for (uint j = 0; j < 4; j++) {
                        total[x] += w[j];
                        acc[x] = fma(vec4(w[j]), value[j], acc[x]);
                    }
                }
            }
    }
}

// join adds a segment's result (t, l, a) to what came before it, at first (LEAST, 0, 0).
void join(inout float t0, inout float l0, inout vec4 a0, float t, float l, vec4 a) {
    const bool later = t > t0; // the larger score's share is taken whole
    const float share = exp(-abs(t0 - t));
    a0 = fma(later ? a0 : a, vec4(share), later ? a : a0);
    l0 = fma(later ? l0 : l, share, later ? l : l0);
    t0 = max(t0, t);
}

void main() {
    const uint lane = gl_LocalInvocationIndex, kv_head = gl_WorkGroupID.x / p.tiles, before = gl_WorkGroupID.x % p.tiles * p.abreast;
    const uint abreast = min(p.abreast, p.group - before), head = p.head0 + kv_head * p.group + before; // queries: rows by heads
    const uint n0 = gl_WorkGroupID.y * p.high, count = min(p.high, p.n - n0), column = lane % W;
    for (uint i = lane; i < count * abreast * W; i += LS) {
        const uint item = i / W;
        q_row[i] = i % W < p.hv ? q[(n0 + item / abreast) * p.q_stride + (head + item % abreast) * p.hv + i % W] * p.scale : vec4(0);
    }

    bool single = false; // rows go one by one
    for (uint from = 0; from < count;) { // runs of rows that share sequence and step
        const Row row = rows[n0 + from];
        uint to = from + 1, sees = row.sees;
        while (RULE != 3 && !single && to < count && rows[n0 + to].seq == row.seq && rows[n0 + to].step == row.step && rows[n0 + to].last_only == row.last_only)
            sees = max(sees, rows[n0 + to++].sees);
        const uint own = RULE == 0 ? 0 : own_slot(row, p.every, p.anchor, p.period);
        barrier(); // the last run is done
        if (lane == 0) wild = 0;
        if (lane < TR) sees_of[lane] = lane >= from * abreast && lane < to * abreast ? rows[n0 + lane / abreast].sees : 0;
        bool missing = false;
        if (RULE == 3) { // always-last: does any position seen lack the reader's slot? Rows see different positions: one by one
            if (lane == 0) lacking = 0;
            barrier();
            for (uint i = lane; i < row.sees; i += LS)
                if (stored_of(own_cell(row.seq, i)) <= own) lacking = 1;
            barrier();
            missing = lacking > 0;
        }

        float t[HELD], l[HELD];
        vec4 a[HELD];
        [[unroll]] for (uint x = 0; x < HELD; x++) t[x] = LEAST, l[x] = 0.0, a[x] = vec4(0);
        const uint c0 = gl_WorkGroupID.z * SEGMENT;
        if (c0 >= sees) return;
        for (uint c = c0; c < (p.split == 0 ? sees : min(c0 + SEGMENT, sees)); c += SEGMENT) {
            attend(row.seq, own, missing, kv_head, c, min(c + SEGMENT, sees));
            [[unroll]] for (uint x = 0; x < HELD; x++) join(t[x], l[x], a[x], top[x], total[x], acc[x]);
        }
#if TR <= 4
        const uint segments = (sees + SEGMENT - 1) / SEGMENT;
        if (p.split > 0 && segments > 1) { // one row
            const uint size = p.hv + 1, row0 = (n0 * p.heads_all + head) * p.split;
            [[unroll]] for (uint x = 0; x < HELD; x++) {
                const uint i0 = (row0 + held(x) * p.split + gl_WorkGroupID.z) * size;
                if (at_work(held(x)) && column < p.hv) parts[i0 + column] = a[x];
                if (at_work(held(x)) && column == 0) parts[i0 + p.hv] = vec4(t[x], l[x], 0, 0);
            }
            if (!last_to_arrive(n0 * p.heads_all + head, 1, segments)) return;
            [[unroll]] for (uint x = 0; x < HELD; x++) {
                t[x] = LEAST, l[x] = 0.0, a[x] = vec4(0);
                if (at_work(held(x)) && column < p.hv)
                    for (uint s = 0; s < segments; s += 4) {
                        vec4 end[4], sum[4];
                        [[unroll]] for (uint j = 0; j < 4; j++) {
                            const uint i0 = (row0 + held(x) * p.split + min(s + j, segments - 1)) * size;
                            end[j] = parts[i0 + p.hv], sum[j] = parts[i0 + column];
                        }
                        [[unroll]] for (uint j = 0; j < 4; j++)
                            if (s + j < segments) join(t[x], l[x], a[x], end[j].x, end[j].y, sum[j]);
                    }
            }
        }
#endif
        [[unroll]] for (uint x = 0; x < HELD; x++)
            if (at_work(held(x)) && column < p.hv) {
                const uint n = n0 + held(x) / abreast, i0 = (head + held(x) % abreast) * p.h + column * 4;
                a[x] /= l[x];
                if (!finite(a[x])) wild = 1;
                for (uint c = 0; c < 4; c++)
                    if (column * 4 + c < p.h) y[n * p.stride + i0 + c] = gated(a[x][c], n, i0 + c);
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
