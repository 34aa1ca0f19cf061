#version 450
// y[n][head] = softmax(q k^T / sqrt(h)) v over the positions of its sequence that the row sees. Where a position's
// key comes from is the cache lookup rule's choice. A workgroup takes TR rows and a query head; neighbouring rows of one
// sequence and step share what is loaded. A running softmax goes over LS positions at a time, in segments whose results
// are joined in order; with few rows and a long cache each segment has a workgroup of its own and the last to finish
// joins them (p.split). The order of every sum is the same in all cases, and no product is left for a driver to contract with
// an addition in one of them.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#define LS 64 // at least hs / 4: each invocation owns one float vector of the output
layout(local_size_x = LS) in;
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/kv.glsl"
#include "lib/aliased.glsl"
layout(set = 0, binding = 0) readonly buffer Q { vec4 q[]; };      // [n][q_stride]: heads_all heads of hs / 4, after rope
ALIASED layout(set = 0, binding = 1) readonly buffer K { uvec4 k[]; };     // [cell][heads][hu], after rope
ALIASED layout(set = 0, binding = 1) readonly buffer S { uint scales[]; }; // q8: [cell][heads][hu / 2]
ALIASED layout(set = 0, binding = 2) readonly buffer V1 { uint v1[]; };    // [cell][heads][hu * 4]
ALIASED layout(set = 0, binding = 2) readonly buffer V2 { uvec2 v2[]; };
ALIASED layout(set = 0, binding = 2) readonly buffer V4 { uvec4 v4[]; };
layout(set = 0, binding = 3) readonly buffer D { uint words[]; };  // lib/pages.glsl
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };    // [n]
#ifdef QUANTIZE // y as int8 beside itself; heads are whole blocks
ALIASED layout(set = 0, binding = 5) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 5) coherent buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 7 + 2 * (TR == 1 ? 1 : 0)) writeonly buffer I8 { uint quant[]; }; // [n] quantized rows
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

shared vec4 q_row[TR][LS];
shared float weight[TR][LS];
shared float part[TR][LS];
shared uint address[LS];
shared uint wild; // 1 + the first row of a run whose results are not all finite

// Both leave in part[r][0] the sum or maximum of every row, by a tree in fixed order.
void tree_max() {
    const uint i = gl_LocalInvocationIndex;
    for (uint s = LS / 2; s > 0; s >>= 1) {
        barrier();
        if (i < s) for (uint r = 0; r < TR; r++) part[r][i] = max(part[r][i], part[r][i + s]);
    }
    barrier();
}
void tree_sum() {
    const uint i = gl_LocalInvocationIndex;
    for (uint s = LS / 2; s > 0; s >>= 1) {
        barrier();
        if (i < s) for (uint r = 0; r < TR; r++) part[r][i] += part[r][i + s];
    }
    barrier();
}

vec4 value(uint at) { // this invocation's float vector of the value at uvec4 `at`
    const uint lane = gl_LocalInvocationIndex;
#if defined(KV_F32)
    return uintBitsToFloat(v4[at + lane]);
#elif defined(KV_F16)
    const uvec2 two = v2[at * 2 + lane];
    return vec4(unpackHalf2x16(two.x), unpackHalf2x16(two.y));
#else
    return kv_bytes(v1[at * 4 + lane]) * value_scale(scales[p.scales + at / 2 + lane / 8]);
#endif
}

// What a stretch of positions gives each row: the largest score, the sum of weights and the weighted values.
float top[TR], total[TR];
vec4 acc[TR];

// attend goes over positions c0.. below end for rows from..to of the tile, which share sequence and slot.
void attend(uint n0, uint from, uint to, uint seq, uint own, bool missing, uint c0, uint end) {
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint r = 0; r < TR; r++) top[r] = LEAST, total[r] = 0.0, acc[r] = vec4(0);
    for (; c0 < end; c0 += LS) {
        barrier(); // q_row is written; the last round's weights are used
        const uint pos = c0 + lane;
        uint slot = NONE, at = 0;
        if (pos < end) {
            const uint cell = own_cell(seq, pos);
            slot = lookup(own, cell, missing);
            if (slot != NONE) at = place(slot, cell, seq, pos, gl_WorkGroupID.x / p.group);
        }
        address[lane] = slot == NONE ? NONE : at;
        vec4 s[TR];
        [[unroll]] for (uint r = 0; r < TR; r++) s[r] = vec4(0);
        if (slot != NONE)
            for (uint u = 0; u < p.hu; u++) {
                const uvec4 four = k[at + u];
#if defined(KV_F32)
                const vec4 kv[1] = {uintBitsToFloat(four)};
#elif defined(KV_F16)
                const vec4 kv[2] = {vec4(unpackHalf2x16(four.x), unpackHalf2x16(four.y)), vec4(unpackHalf2x16(four.z), unpackHalf2x16(four.w))};
#else
                const float d = key_scale(scales[p.scales + at / 2 + u / 2]);
                const vec4 kv[4] = {kv_bytes(four.x) * d, kv_bytes(four.y) * d, kv_bytes(four.z) * d, kv_bytes(four.w) * d};
#endif
                [[unroll]] for (uint x = 0; x < KV_XV; x++)
                    [[unroll]] for (uint r = 0; r < TR; r++) s[r] = fma(q_row[r][u * KV_XV + x], kv[x], s[r]);
            }
        float score[TR];
        bool seen[TR];
        [[unroll]] for (uint r = 0; r < TR; r++) {
            seen[r] = slot != NONE && r >= from && r < to && pos < rows[min(n0 + r, p.n - 1)].sees;
            score[r] = seen[r] ? s[r].x + s[r].y + s[r].z + s[r].w : LEAST;
            part[r][lane] = score[r];
        }
        tree_max();
        float fade[TR];
        [[unroll]] for (uint r = 0; r < TR; r++) {
            const float new_top = max(top[r], part[r][0]);
            fade[r] = exp(top[r] - new_top);
            top[r] = new_top;
        }
        barrier(); // everyone has read the maxima
        [[unroll]] for (uint r = 0; r < TR; r++) {
            weight[r][lane] = seen[r] ? exp(score[r] - top[r]) : 0.0;
            part[r][lane] = weight[r][lane];
        }
        tree_sum(); // its barriers publish weight and address too
        [[unroll]] for (uint r = 0; r < TR; r++) {
            total[r] = fma(total[r], fade[r], part[r][0]);
            acc[r] *= fade[r];
        }
        if (lane < p.hv)
            for (uint i = 0; i < min(LS, end - c0); i++)
                if (address[i] != NONE) {
                    const vec4 x = value(address[i]);
                    [[unroll]] for (uint r = 0; r < TR; r++) acc[r] = fma(vec4(weight[r][i]), x, acc[r]);
                }
    }
}

// join adds a stretch's result (t, l, a) to what came before it.
void join(inout float t0, inout float l0, inout vec4 a0, float t, float l, vec4 a) {
    const bool later = t > t0; // the larger score's share is taken whole
    const float share = exp(-abs(t0 - t));
    a0 = fma(later ? a0 : a, vec4(share), later ? a : a0);
    l0 = fma(later ? l0 : l, share, later ? l : l0);
    t0 = max(t0, t);
}

void emit(uint n, float l, vec4 a) {
    const uint lane = gl_LocalInvocationIndex;
    const uint first = (p.head0 + gl_WorkGroupID.x) * p.h, column = first + lane * 4;
    if (lane < p.hv) {
        a /= l;
        for (uint c = 0; c < 4; c++)
            if (lane * 4 + c < p.h) y[n * p.stride + column + c] = gated(a[c], n, column + c);
    }
#ifdef QUANTIZE
    memoryBarrierBuffer();
    barrier();
    if (lane < p.h / 32) quantize_block(n * p.stride, p.stride, first / 32 + lane);
#endif
}

void main() {
    const uint lane = gl_LocalInvocationIndex, head = p.head0 + gl_WorkGroupID.x, n0 = gl_WorkGroupID.y * TR;
    const uint count = min(TR, p.n - n0);
    for (uint r = 0; r < TR; r++)
        q_row[r][lane] = lane < p.hv && r < count ? q[(n0 + r) * p.q_stride + head * p.hv + lane] * p.scale : vec4(0);

    if (lane == 0) wild = 0;
    bool single = false; // rows go one by one
    for (uint from = 0; from < count;) { // runs of rows that share sequence and step
        const Row row = rows[n0 + from];
        uint to = from + 1, sees = row.sees;
        while (!single && to < count && rows[n0 + to].seq == row.seq && rows[n0 + to].step == row.step && rows[n0 + to].last_only == row.last_only) sees = max(sees, rows[n0 + to++].sees);
        const uint own = RULE == 0 ? 0 : own_slot(row, p.every, p.anchor, p.period);

        bool missing = false;
        if (RULE == 3) { // always-last: does any position seen lack the reader's slot? Rows see different positions: one by one
            to = from + 1, sees = row.sees;
            barrier(); // the last round's sums are used
            part[0][lane] = 0.0;
            for (uint i = lane; i < row.sees; i += LS)
                if (stored_of(own_cell(row.seq, i)) <= own) part[0][lane] = 1.0;
            tree_max();
            missing = part[0][0] > 0.0;
        }

        if (p.split == 0) {
            float t[TR], l[TR];
            vec4 a[TR];
            for (uint c0 = 0; c0 < sees; c0 += p.segment) {
                attend(n0, from, to, row.seq, own, missing, c0, min(c0 + p.segment, sees));
                [[unroll]] for (uint r = 0; r < TR; r++)
                    if (c0 == 0) t[r] = top[r], l[r] = total[r], a[r] = acc[r];
                    else join(t[r], l[r], a[r], top[r], total[r], acc[r]);
            }
            [[unroll]] for (uint r = 0; r < TR; r++)
                if (r >= from && r < to) {
                    emit(n0 + r, l[r], a[r]);
                    if (lane < p.hv && !finite(a[r] / l[r])) wild = from + 1;
                }
#if TR > 1
            if (to - from > 1) {
                barrier();
                if (wild == from + 1) {
                    single = true;
                    continue;
                }
            }
#endif
            from = to;
            continue;
        }
#if TR == 1
        const uint c0 = gl_WorkGroupID.z * p.segment, segments = (row.sees + p.segment - 1) / p.segment;
        if (gl_WorkGroupID.z >= segments) return;
        attend(n0, 0, 1, row.seq, own, missing, c0, min(c0 + p.segment, row.sees));
        if (segments == 1) {
            emit(n0, total[0], acc[0]);
            return;
        }
        const uint size = p.hv + 1, i0 = (n0 * p.heads_all + head) * p.split * size;
        if (lane < p.hv) parts[i0 + gl_WorkGroupID.z * size + lane] = acc[0];
        if (lane == 0) parts[i0 + gl_WorkGroupID.z * size + p.hv] = vec4(top[0], total[0], 0, 0);
        if (!last_to_arrive(n0 * p.heads_all + head, 1, segments)) return;
        float t, l;
        vec4 a;
        for (uint s = 0; s < segments; s++) {
            const vec4 end = parts[i0 + s * size + p.hv];
            const vec4 x = lane < p.hv ? parts[i0 + s * size + lane] : vec4(0);
            if (s == 0) t = end.x, l = end.y, a = x;
            else join(t, l, a, end.x, end.y, x);
        }
        emit(n0, l, a);
#endif
        return;
    }
}
