#version 450
// Splits Wqkv's output, adds the q and k bias, rotates pairs by the row's position, and puts q beside it and k, v into the
// row's KV cell and slot. An invocation for each two neighbours of each key head of this shard, and of the query heads that
// share it; heads are as long as the cache has them, so that the 16 pairs of a q8 block are in one workgroup.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/kv.glsl"
#include "lib/half.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer QKV { float qkv[]; };  // [n][stride]: all q heads, all k heads, all v heads, more
layout(set = 0, binding = 1) readonly buffer B { float bias[]; };   // all q heads, all k heads, when p.bias
layout(set = 0, binding = 2) readonly buffer F { vec2 rope[]; };    // [position][h / 2] cos, sin
layout(set = 0, binding = 3) readonly buffer R { Row rows[]; };     // [n]
layout(set = 0, binding = 4) writeonly buffer Q { vec2 q[]; };      // [n][q_stride]: all q heads of hv * 2
layout(set = 0, binding = 5) writeonly buffer K { uint k[]; };      // [cell][heads][hu * 4], and scales of k and v
layout(set = 0, binding = 6) writeonly buffer V { uint v[]; };      // [cell][heads][hu * 4]
layout(set = 0, binding = 7) buffer D { uint words[]; };            // lib/pages.glsl
layout(push_constant) uniform Push {
    uint heads, head0, heads_all; // this shard's heads of keys, its first, and the model's
    uint group;                   // query heads that share one of them
    uint h;                       // head size
    uint hv;                      // float vectors in a head of q
    uint hu;                      // uvec4 in a head of k and v
    uint scales;                  // q8: words before the scales in the shard's keys
    uint stride;                  // floats in a row of qkv
    uint pages;                   // of a sequence
    uint table, depths;           // words before this cache's table, and before the depths
    uint every, anchor, period;   // slot_of
    uint mark;                    // 1: the row's cell now stores `step` steps; 2: step + 1
    uint bias;
    uint q_stride;                // float pairs in a row of q
    uint halves;                  // 1: element i is turned with i + h / 2; else neighbours 2 i, 2 i + 1
} p;

#define WORD(i) words[i]
#include "lib/pages.glsl"

vec2 rotate(vec2 e, vec2 cs) { return vec2(e.x * cs.x - e.y * cs.y, e.y * cs.x + e.x * cs.y); }

// Elements i and j of a row of qkv, which begins at `row`, with the bias of q and k.
vec2 biased(uint row, uint i, uint j) {
    vec2 e = vec2(qkv[row + i], qkv[row + j]);
    if (p.bias != 0) e += vec2(bias[i], bias[j]);
    return e;
}

// The two neighbours, after rope, of the q or k head that begins at element `head` of the row; angles begins its position's.
vec2 turned(uint row, uint head, uint pair, uint angles) {
    if (p.halves == 0) return rotate(biased(row, head + pair * 2, head + pair * 2 + 1), rope[angles + pair]);
    vec2 two;
    for (uint c = 0; c < 2; c++) { // h / 2 may be odd: then the two of a pair are in halves of their own
        const uint half_h = p.h / 2, e = pair * 2 + c, i = e < half_h ? e : e - half_h;
        const vec2 both = rotate(biased(row, head + i, head + i + half_h), rope[angles + i]);
        two[c] = e < half_h ? both.x : both.y;
    }
    return two;
}

#ifdef KV_Q8
shared float most[2][64]; // of k and v
shared uint bytes[2][64];
#endif

void main() {
    const uint g = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y, lane = gl_LocalInvocationIndex;
    const uint pairs = p.hu * (KV_UNIT / 2);
    const uint head = g / pairs, pair = g % pairs;
    const bool used = head < p.heads;
    const Row row = rows[n];
    if (g == 0 && p.mark != 0) words[p.depths + own_cell(row.seq, row.pos)] = (row.last_only != 0 ? 0 : row.step) + p.mark - 1;

    const bool filled = used && pair < p.h / 2; // the padding of a head is zero
    const uint from = n * p.stride, angles = row.pos * (p.h / 2), first = (p.head0 + head) * p.group; // of the query heads
    if (used && pair < p.hv * 2)
        for (uint i = first; i < first + p.group; i++)
            q[n * p.q_stride + i * (p.hv * 2) + pair] = filled ? turned(from, i * p.h, pair, angles) : vec2(0);
    vec2 kv = vec2(0), vv = vec2(0);
    if (filled) {
        const uint i = (p.heads_all * p.group + p.head0 + head) * p.h; // of k in the row
        kv = turned(from, i, pair, angles);
        const uint j = from + i + p.heads_all * p.h + pair * 2;
        vv = vec2(qkv[j], qkv[j + 1]);
    }
    const uint c = (cell_in(own_slot(row, p.every, p.anchor, p.period), row.seq, row.pos) * p.heads + head) * p.hu; // in uvec4
#if defined(KV_F32)
    if (!used) return;
    k[c * 4 + pair * 2] = floatBitsToUint(kv.x), k[c * 4 + pair * 2 + 1] = floatBitsToUint(kv.y);
    v[c * 4 + pair * 2] = floatBitsToUint(vv.x), v[c * 4 + pair * 2 + 1] = floatBitsToUint(vv.y);
#elif defined(KV_F16)
    if (!used) return;
    // A larger value would become infinite. Values below 2^-14 are stored as subnormal halves: a driver that reads those as zero
    // is off by no more than that, as much as rounding is at values of 1/8 and more, which is what keys and values are.
    const float limit = 65504.0;
    k[c * 4 + pair] = pack_halves(clamp(kv, -limit, limit));
    v[c * 4 + pair] = pack_halves(clamp(vv, -limit, limit));
#else
    most[0][lane] = max(abs(kv.x), abs(kv.y));
    most[1][lane] = max(abs(vv.x), abs(vv.y));
    barrier();
    vec2 top = vec2(0); // of the block, k and v
    for (uint i = lane / 16 * 16; i < lane / 16 * 16 + 16; i++) top = max(top, vec2(most[0][i], most[1][i]));
    const bvec2 some = greaterThan(top, vec2(1e-30)); // below it 1 / scale may be infinite
    uvec2 scale = floatBitsToUint(top * (1.0 / 127.0));
    scale = scale + 0x7fffu + (scale >> 16 & 1u) & 0xffff0000u; // to nearest, by less than 2^-8: top is below 127.5 of it
    const vec2 inverse = mix(vec2(0), 1.0 / uintBitsToFloat(scale), some);
    const ivec2 kq = ivec2(clamp(roundEven(kv * inverse.x), -127.0, 127.0)), vq = ivec2(clamp(roundEven(vv * inverse.y), -127.0, 127.0));
    bytes[0][lane] = uint(kq.x & 255) | uint(kq.y & 255) << 8;
    bytes[1][lane] = uint(vq.x & 255) | uint(vq.y & 255) << 8;
    barrier();
    if (!used) return;
    if (pair % 2 == 0) {
        k[c * 4 + pair / 2] = bytes[0][lane] | bytes[0][lane + 1] << 16;
        v[c * 4 + pair / 2] = bytes[1][lane] | bytes[1][lane + 1] << 16;
    }
    if (pair % 16 == 0) k[p.scales + c / 2 + pair / 16] = (some.x ? scale.x >> 16 : 0) | (some.y ? scale.y : 0);
#endif
}
