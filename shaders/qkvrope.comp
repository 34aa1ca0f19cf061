#version 450
// Splits Wqkv's output, adds the q and k bias, rotates neighbouring pairs by the row's position, and puts q
// beside it and k, v into the row's KV cell and slot. An invocation for each pair of each head of this shard.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "lib/slot.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer QKV { float qkv[]; };  // [n][stride]: all q heads, all k heads, all v heads
layout(set = 0, binding = 1) readonly buffer B { float bias[]; };   // [2][heads_all * h] q then k, when p.bias
layout(set = 0, binding = 2) readonly buffer F { vec2 rope[]; };    // [position][h / 2] cos, sin
layout(set = 0, binding = 3) readonly buffer R { Row rows[]; };     // [n]
layout(set = 0, binding = 4) writeonly buffer Q { vec2 q[]; };      // [n][q_stride]: heads_all heads of hs / 2
layout(set = 0, binding = 5) writeonly buffer K { vec2 k[]; };      // [slot][cell][heads][hs / 2]
layout(set = 0, binding = 6) writeonly buffer V { vec2 v[]; };      // [slot][cell][heads][hs / 2]
layout(set = 0, binding = 7) writeonly buffer D { uint depth[]; };  // [cell] core steps stored
layout(push_constant) uniform Push {
    uint heads, head0, heads_all; // this shard's heads, its first, and the model's
    uint h, hs;                   // head size, and rounded up to 4
    uint stride;                  // floats in a row of qkv
    uint cells;
    uint every, anchor, period;   // slot_of
    uint mark;                    // 1: the row's cell now stores `step` steps; 2: step + 1
    uint bias;
    uint q_stride;                // float pairs in a row of q
} p;

vec2 rotate(vec2 e, vec2 cs) { return vec2(e.x * cs.x - e.y * cs.y, e.y * cs.x + e.x * cs.y); }

void main() {
    const uint g = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    const uint head = g / (p.hs / 2), pair = g % (p.hs / 2);
    if (head >= p.heads) return;
    const Row row = rows[n];
    const uint cell = row.base + row.pos;
    if (g == 0 && p.mark != 0) depth[cell] = row.step + p.mark - 1;

    vec2 qv = vec2(0), kv = vec2(0), vv = vec2(0); // the padding of a head is zero
    if (pair < p.h / 2) {
        const uint d = p.heads_all * p.h;
        const uint i = (p.head0 + head) * p.h + pair * 2;
        const uint j = n * p.stride + i;
        qv = vec2(qkv[j], qkv[j + 1]);
        kv = vec2(qkv[j + d], qkv[j + d + 1]);
        vv = vec2(qkv[j + 2 * d], qkv[j + 2 * d + 1]);
        if (p.bias != 0) {
            qv += vec2(bias[i], bias[i + 1]);
            kv += vec2(bias[d + i], bias[d + i + 1]);
        }
        const vec2 cs = rope[row.pos * (p.h / 2) + pair];
        qv = rotate(qv, cs);
        kv = rotate(kv, cs);
    }
    q[n * p.q_stride + (p.head0 + head) * (p.hs / 2) + pair] = qv;
    const uint c = ((slot_of(row.step, p.every, p.anchor, p.period) * p.cells + cell) * p.heads + head) * (p.hs / 2) + pair;
    k[c] = kv;
    v[c] = vv;
}
