#version 450
// y[n][head] = softmax(q k^T / sqrt(h)) v over positions 0..pos of the row's own sequence. Where a position's
// key comes from is the cache lookup rule's choice. A workgroup for each row and head; a running
// softmax over LS positions at a time, always in the same order.
#extension GL_GOOGLE_include_directive : require
#define LS 64 // at least hs / 4: each invocation owns one float vector of the output
layout(local_size_x = LS) in;
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/reduce.glsl"
layout(set = 0, binding = 0) readonly buffer Q { vec4 q[]; };      // [n][q_stride]: heads_all heads of hs / 4, after rope
layout(set = 0, binding = 1) readonly buffer K { vec4 k[]; };      // [slot][cell][heads][hs / 4], after rope
layout(set = 0, binding = 2) readonly buffer V { vec4 v[]; };      // [slot][cell][heads][hs / 4]
layout(set = 0, binding = 3) readonly buffer D { uint depth[]; };  // [cell] core steps stored
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };    // [n]
layout(set = 0, binding = 5) writeonly buffer Y { float y[]; };    // [n][stride]
layout(push_constant) uniform Push {
    uint heads, head0, heads_all, h, hs;
    uint stride; // floats in a row of y
    uint cells;
    uint every, anchor, period; // slot_of
    uint rule;   // 0: one slot, always there; 1: full; 2: latest; 3: always-last
    float scale; // 1 / sqrt(h)
    uint q_stride; // float vectors in a row of q
} p;

shared vec4 q_row[LS];
shared float weight[LS];
shared uint address[LS];

const uint NONE = 0xffffffffu;

// The slot that holds what a reader at slot `own` sees of a cell, or NONE.
uint lookup(uint own, uint cell, bool missing) {
    if (p.rule == 0) return 0;
    const uint stored = slots_stored(depth[cell], p.every, p.anchor, p.period);
    if (p.rule == 1) return stored > own ? own : NONE;
    if (stored == 0) return NONE;
    if (p.rule == 2) return min(own, stored - 1);
    return missing ? stored - 1 : own;
}

void main() {
    const uint lane = gl_LocalInvocationIndex, head = gl_WorkGroupID.x, n = gl_WorkGroupID.y;
    const Row row = rows[n];
    const uint units = p.hs / 4;
    const uint own = p.rule == 0 ? 0 : slot_of(row.step, p.every, p.anchor, p.period);
    if (lane < units) q_row[lane] = q[n * p.q_stride + (p.head0 + head) * units + lane];

    bool missing = false;
    if (p.rule == 3) { // always-last: does any position seen lack the reader's slot?
        float lack = 0.0;
        for (uint i = lane; i <= row.pos; i += LS)
            if (slots_stored(depth[row.base + i], p.every, p.anchor, p.period) <= own) lack = 1.0;
        missing = group_max(lack) > 0.0;
    }

    float top = -1e38, total = 0.0;
    vec4 acc = vec4(0);
    for (uint c0 = 0; c0 <= row.pos; c0 += LS) {
        barrier(); // q_row is written; the last round's weights are used
        const uint cell = row.base + c0 + lane;
        uint slot = NONE;
        float score = -1e38;
        if (c0 + lane <= row.pos) slot = lookup(own, cell, missing);
        const uint at = slot == NONE ? 0 : ((slot * p.cells + cell) * p.heads + head) * units;
        if (slot != NONE) {
            vec4 s = vec4(0);
            for (uint u = 0; u < units; u++) s += q_row[u] * k[at + u];
            score = (s.x + s.y + s.z + s.w) * p.scale;
        }
        const float new_top = max(top, group_max(score));
        const float w = slot == NONE ? 0.0 : exp(score - new_top);
        weight[lane] = w;
        address[lane] = at;
        const float fade = exp(top - new_top);
        total = total * fade + group_sum(w); // group_sum's barriers publish weight and address too
        acc *= fade;
        top = new_top;
        if (lane < units) {
            const uint m = min(LS, row.pos + 1 - c0);
            for (uint i = 0; i < m; i++)
                if (weight[i] != 0.0) acc += weight[i] * v[address[i] + lane];
        }
    }
    if (lane < units) {
        acc /= total;
        const uint i = n * p.stride + (p.head0 + head) * p.h + lane * 4;
        for (uint c = 0; c < 4; c++)
            if (lane * 4 + c < p.h) y[i + c] = acc[c];
    }
}
