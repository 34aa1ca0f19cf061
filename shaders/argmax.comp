#version 450
// The largest logit of each row, the distance to the second, and the log of the sum of exponentials.
// Of equal logits the lowest token wins. A workgroup for each chunk of a row; the last to arrive joins what they found.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0, local_size_x = 64) in;
#define LS gl_WorkGroupSize.x
#include "lib/choice.glsl"
struct Best { // of some tokens
    float best, second;
    float sum;  // of exp(logit - best)
    uint token; // of the best; NO_TOKEN: none is above negative infinity
    uint seen;  // 2: what is no number; 1: logits that differ
};
layout(set = 0, binding = 0) readonly buffer L { float logits[]; };   // [n][stride]
layout(set = 0, binding = 1) writeonly buffer C { Choice choice[]; }; // [n]
layout(set = 0, binding = 2) readonly buffer G { uint given[]; };     // [n] tokens whose distance is wanted
layout(set = 0, binding = 3) coherent buffer A { uint arrived[]; };   // [n] chunks done, 0 before and after
layout(set = 0, binding = 4) coherent buffer P { Best parts[]; };     // [n][chunks]
layout(push_constant) uniform Push { uint vocab, stride, chunk; } p;
#include "lib/last.glsl"

const float LEAST = -3.402823466e38;

// By its bits: drivers may compile float comparisons as if there were no NaN, and what exp makes of one differs.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }

// What exp(v - best) comes to; infinite logits do not meet as Inf - Inf.
float share(float v, float best) { return v == best ? 1.0 : exp(v - best); }

Best join(Best a, Best b) {
    Best r = a;
    if (a.token == NO_TOKEN || b.token != NO_TOKEN && (b.best > a.best || b.best == a.best && b.token < a.token)) r = b;
    r.second = max(min(a.best, b.best), max(a.second, b.second));
    r.seen = max(a.seen, b.seen);
    if (a.token != NO_TOKEN && b.token != NO_TOKEN) {
        r.sum = a.sum * share(a.best, r.best) + b.sum * share(b.best, r.best);
        if (a.best != b.best) r.seen = max(r.seen, 1);
    }
    return r;
}

shared Best lanes[LS];
// What all invocations have, in the first.
Best join_all(Best mine) {
    const uint i = gl_LocalInvocationIndex;
    lanes[i] = mine;
    for (uint h = LS / 2; h > 0; h >>= 1) {
        barrier();
        if (i < h) lanes[i] = join(lanes[i], lanes[i + h]);
    }
    return lanes[0];
}

void main() {
    const uint i = gl_LocalInvocationIndex, n = gl_WorkGroupID.y, l0 = n * p.stride, chunks = gl_NumWorkGroups.x;
    const uint from = gl_WorkGroupID.x * p.chunk, last = min(from + p.chunk, p.vocab);
    const Best none = Best(LEAST, LEAST, 0.0, NO_TOKEN, 0);
    Best b = none;
    for (uint t = from + i; t < last; t += LS) {
        const float v = logits[l0 + t];
        if (is_nan(v)) b.seen = 2;
        if (v > b.best || (b.token == NO_TOKEN && v == b.best)) { b.second = b.best; b.best = v; b.token = t; }
        else if (v > b.second) b.second = v;
    }
    for (uint t = from + i; t < last; t += LS) {
        const float v = logits[l0 + t];
        b.sum += share(v, b.best);
        if (v != b.best) b.seen = max(b.seen, 1);
    }
    b = join_all(b);
    if (chunks > 1) {
        if (i == 0) parts[n * chunks + gl_WorkGroupID.x] = b;
        if (!last_to_arrive(n, 1, chunks)) return;
        b = none;
        for (uint c = i; c < chunks; c += LS) b = join(b, parts[n * chunks + c]);
        b = join_all(b);
    }
    if (i == 0) {
        Choice c;
        c.token = b.seen > 1 || b.seen < 1 && p.vocab > 1 ? NO_TOKEN : b.token; // a model that has learnt never finds all alike
        c.logit = b.best;
        c.lse = log(b.sum);
        c.logprob = -c.lse;
        c.margin = b.best == b.second ? 0.0 : b.best - b.second;
        c.top = b.best;
        c.kept = 1;
        c.below = b.best - logits[l0 + min(given[n], p.vocab - 1)];
        choice[n] = c;
    }
}
