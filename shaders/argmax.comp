#version 450
// The largest logit of each row, the distance to the second, and the log of the sum of exponentials.
// Of equal logits the lowest token wins. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#define LS 256
layout(local_size_x = LS) in;
#include "lib/reduce.glsl"
#include "lib/choice.glsl"
layout(set = 0, binding = 0) readonly buffer L { float logits[]; };  // [n][stride]
layout(set = 0, binding = 1) writeonly buffer C { Choice choice[]; }; // [n]
layout(set = 0, binding = 2) readonly buffer G { uint given[]; };     // [n] tokens whose distance is wanted
layout(push_constant) uniform Push { uint vocab, stride; } p;

shared float best[LS];
shared float second[LS];
shared uint token[LS];

// By its bits: drivers may compile float comparisons as if there were no NaN, and what exp makes of one differs.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }

void main() {
    const uint i = gl_LocalInvocationIndex, l0 = gl_WorkGroupID.x * p.stride;
    float b = -3.402823466e38, s = -3.402823466e38;
    uint at = NO_TOKEN;
    float seen = 0.0; // 2: what is no number; 1: logits that differ
    for (uint t = i; t < p.vocab; t += LS) {
        const float v = logits[l0 + t];
        if (is_nan(v)) seen = 2.0;
        if (v > b || (at == NO_TOKEN && v == b)) { s = b; b = v; at = t; }
        else if (v > s) s = v;
    }
    best[i] = b;
    second[i] = s;
    token[i] = at;
    for (uint h = LS / 2; h > 0; h >>= 1) {
        barrier();
        if (i < h) {
            const bool other = best[i + h] > best[i] || (best[i + h] == best[i] && token[i + h] < token[i]);
            second[i] = max(min(best[i], best[i + h]), max(second[i], second[i + h]));
            if (other) { best[i] = best[i + h]; token[i] = token[i + h]; }
        }
    }
    barrier();
    float sum = 0.0;
    for (uint t = i; t < p.vocab; t += LS) {
        const float v = logits[l0 + t];
        sum += v == best[0] ? 1.0 : exp(v - best[0]); // infinite logits do not meet as Inf - Inf
        if (v != best[0]) seen = max(seen, 1.0);
    }
    sum = group_sum(sum);
    seen = group_max(seen);
    if (i == 0) {
        Choice c;
        c.token = seen > 1.0 || seen < 1.0 && p.vocab > 1 ? NO_TOKEN : token[0]; // a model that has learnt never finds all alike
        c.logit = best[0];
        c.lse = log(sum);
        c.logprob = -c.lse;
        c.margin = best[0] == second[0] ? 0.0 : best[0] - second[0];
        c.top = best[0];
        c.kept = 1;
        c.below = best[0] - logits[l0 + min(given[gl_WorkGroupID.x], p.vocab - 1)];
        choice[gl_WorkGroupID.x] = c;
    }
}
