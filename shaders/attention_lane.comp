#version 450
// attention.comp for CPU devices: a lane is a row and a query head of its own and goes over the positions one after another,
// so there is nothing to wait for and nothing to add up between lanes. The vectors of a head live in private arrays; loops
// over them are unrolled by the driver.
// Fetches are gathers, so nothing is lost when lanes differ in head, sequence or step.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0) in; // a subgroup
layout(constant_id = 1) const uint HV = 2; // float vectors in a head of q
// A driver that masks lanes runs what a branch on a push constant closes.
layout(constant_id = 2) const uint GATES = 1;
layout(constant_id = 3) const uint RULE = 2;
#include "lib/row.glsl"
#include "lib/slot.glsl"
#include "lib/kv.glsl"
#include "lib/input.glsl"
layout(set = 0, binding = 0) readonly buffer Q { vec4 q_in[]; };       // [n][q_stride]: heads_all heads of HV, after rope
UVEC4_INPUT(1, K, k);         // [cell][heads][hu], after rope
UVEC4_INPUT(2, V, v);
#ifdef KV_Q8
UINT_INPUT(1, S, scales);     // [cell][heads][hu / 2]
#endif
UINT_INPUT(3, D, words);      // lib/pages.glsl
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };        // [n]
#ifdef QUANTIZE // y as int8 beside itself; heads are whole blocks
ALIASED layout(set = 0, binding = 5) buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 5) buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 7) writeonly buffer I8 { uint quant[]; };    // [n] quantized rows
#define NORM_Y4(i) y4[i]
#define QUANT(i) quant[i]
#include "lib/quantize.glsl"
#else
layout(set = 0, binding = 5) writeonly buffer Y { float y[]; };        // [n][stride]
#endif
layout(set = 0, binding = 6) readonly buffer G { float gate[]; };      // [n][gate_stride], when there are gates
#define GATED (GATES != 0)
#define WORD(i) ONE(words, i)
#include "lib/attention.glsl"

// A head in units of KV_UNIT values.
const uint HU = KV_UNIT == 16 ? (HV + 7) / 8 * 2 : (HV + KV_XV - 1) / KV_XV;

#ifdef KV_Q8
#define SCALE(of, unit) of(two[(unit) / 2])
#else
#define SCALE(of, unit) 1.0
#endif

vec4 part(uvec4 four, uint x, float scale) { // float vector x of a unit
#if defined(KV_F32)
    return uintBitsToFloat(four);
#elif defined(KV_F16)
    return vec4(unpackHalf2x16(four[x * 2]), unpackHalf2x16(four[x * 2 + 1]));
#else
    return kv_bytes(four[x]) * scale;
#endif
}

// Always-last: does any position that the row sees lack its slot?
bool lacks(Row row, uint own) {
    bool found = false;
    for (uint i = 0; i < row.sees; i++) found = found || stored_of(own_cell(row.seq, i)) <= own;
    return found;
}

void main() {
    const uint item = gl_WorkGroupID.x * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
    const uint queries = p.heads * p.group, n = item / queries, of_shard = item % queries;
    const uint head = p.head0 + of_shard, kv_head = of_shard / p.group;
    if (n >= p.n) return;
    const Row row = rows[n];
    const uint own = RULE == 0 ? 0 : own_slot(row, p.every, p.anchor, p.period);
    const bool missing = RULE == 3 && lacks(row, own);
    vec4 q[HU * KV_XV], acc[HU * KV_XV];
    [[unroll]] for (uint i = 0; i < HU * KV_XV; i++) acc[i] = vec4(0);
    [[unroll]] for (uint i = 0; i < HU * KV_XV; i++) q[i] = vec4(0);
    [[unroll]] for (uint i = 0; i < HV; i++) q[i] = q_in[n * p.q_stride + head * HV + i];

    float top = LEAST, total = 0.0;
    for (uint page = 0; page < row.sees; page += PAGE) {
        const uint cell0 = own_cell(row.seq, page);
        for (uint pos = page; pos < min(page + PAGE, row.sees); pos++) {
            const uint slot = lookup(own, cell0 + pos - page, missing);
            if (slot != NONE) {
                const uint at = place(slot, cell0 + pos - page, row.seq, pos, kv_head);
                vec4 s = vec4(0);
#ifdef KV_Q8
                uint two[HU / 2];
                [[unroll]] for (uint b = 0; b < HU / 2; b++) two[b] = ONE(scales, p.scales + at / 2 + b);
#endif
                [[unroll]] for (uint u = 0; u < HU; u++) {
                    const uvec4 four = FOUR(k, at + u);
                    const float scale = SCALE(key_scale, u);
                    [[unroll]] for (uint x = 0; x < KV_XV; x++) s += q[u * KV_XV + x] * part(four, x, scale);
                }
                const float score = (s.x + s.y + s.z + s.w) * p.scale, new_top = max(top, score);
                const float fade = exp(top - new_top), weight = exp(score - new_top);
                top = new_top;
                total = total * fade + weight;
                [[unroll]] for (uint u = 0; u < HU; u++) {
                    const uvec4 four = FOUR(v, at + u);
                    const float scale = SCALE(value_scale, u);
                    [[unroll]] for (uint x = 0; x < KV_XV; x++) acc[u * KV_XV + x] = acc[u * KV_XV + x] * fade + weight * part(four, x, scale);
                }
            }
        }
    }

    [[unroll]] for (uint i = 0; i < HV; i++) {
        const vec4 a = acc[i] / total;
        [[unroll]] for (uint c = 0; c < 4; c++)
            if (i * 4 + c < p.h) y[n * p.stride + head * p.h + i * 4 + c] = gated(a[c], n, head * p.h + i * 4 + c);
    }
#ifdef QUANTIZE
    for (uint b = 0; b < p.h / 32; b++) quantize_block(n * p.stride, p.stride, head * p.h / 32 + b);
#endif
}
