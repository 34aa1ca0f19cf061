#version 450
// Draws a token from each row's filtered distribution: temperature, top-k (equals kept), top-p (the sum runs over
// the values before renormalising; the token that crosses the line goes, the first stays), min-p, renormalise.
// Each filter keeps the tokens above some value, so instead of sorting the kernel finds that value by
// bisection over the bits of the weights e = exp((logit - top) / temperature), which order as integers do.
// Runs after argmax on the same rows; leaves rows that are not to be sampled as argmax left them.
#extension GL_GOOGLE_include_directive : require
#define LS 256
layout(local_size_x = LS) in;
#include "lib/reduce.glsl"
#include "lib/choice.glsl"
struct Filter { // shaders.Filter in Go
    float inverse_temperature;
    uint top_k;  // 0: off
    float top_p; // 0 or at least 1: off
    float min_p; // 0: off
    float u;     // uniform in (0, 1)
    uint enabled;
    uint pad0, pad1;
};
layout(set = 0, binding = 0) readonly buffer L { float logits[]; }; // [n][stride]
layout(set = 0, binding = 1) readonly buffer F { Filter filters[]; }; // [n]
layout(set = 0, binding = 2) buffer C { Choice choice[]; };           // [n]
layout(push_constant) uniform Push { uint vocab, stride; } p;

shared float chunk_sum[LS];
shared uint chunk_ties[LS];
shared uint ties_before[LS];

uint l0;
float top, inverse_temperature;
// At most 1, and exactly 1 for the largest logit: exp promises neither, and the bisections end there.
float weight(uint t) {
    const float l = logits[l0 + t];
    return l == top ? 1.0 : min(exp((l - top) * inverse_temperature), 1.0);
}

// Number and sum of the weights whose bits are at least `bits`.
float count_from(uint bits) {
    float c = 0.0; // exact: a vocabulary is below 2^24
    for (uint t = gl_LocalInvocationIndex; t < p.vocab; t += LS) c += floatBitsToUint(weight(t)) >= bits ? 1.0 : 0.0;
    return group_sum(c);
}
float sum_from(uint bits) {
    float c = 0.0;
    for (uint t = gl_LocalInvocationIndex; t < p.vocab; t += LS) {
        const float w = weight(t);
        c += floatBitsToUint(w) >= bits ? w : 0.0;
    }
    return group_sum(c);
}

const uint ONE = 0x3f800000u; // bits of 1.0, the weight of the top token

void main() {
    const uint i = gl_LocalInvocationIndex, n = gl_WorkGroupID.x;
    const Filter f = filters[n];
    if (f.enabled == 0 || choice[n].token == NO_TOKEN) return; // the same in the whole workgroup
    l0 = n * p.stride;
    top = choice[n].top;
    inverse_temperature = f.inverse_temperature;

    uint from = 0; // bits of the smallest weight kept
    if (f.top_k > 0 && f.top_k < p.vocab) { // largest value that at least top_k weights reach
        uint lo = 0, hi = ONE + 1;
        while (hi - lo > 1) {
            const uint mid = (lo + hi) / 2;
            if (count_from(mid) >= float(f.top_k)) lo = mid; else hi = mid;
        }
        from = lo;
    }
    uint tie = 0;        // bits of the weight at top-p's edge, of which only
    uint ties_kept = 0;  // the first ties_kept in vocabulary order stay
    if (f.top_p > 0.0 && f.top_p < 1.0) {
        const float budget = f.top_p * sum_from(0);
        if (sum_from(from) > budget) { // smallest value from which the sum stays within the budget
            uint lo = from, hi = ONE + 1;
            while (hi - lo > 1) {
                const uint mid = (lo + hi) / 2;
                if (sum_from(mid) > budget) lo = mid; else hi = mid;
            }
            tie = lo;
            ties_kept = uint(max((budget - sum_from(hi)) / uintBitsToFloat(lo), hi > ONE ? 1.0 : 0.0));
            from = hi;
        }
    }
    const uint floor_bits = floatBitsToUint(max(f.min_p, 0.0));
    if (f.min_p > 0.0) {
        if (tie < floor_bits) ties_kept = 0;
        from = max(from, floor_bits);
    }

    // The draw walks the vocabulary in order: each invocation has a run of tokens.
    const uint run = (p.vocab + LS - 1) / LS;
    const uint first = min(i * run, p.vocab), last = min(first + run, p.vocab);
    uint ties = 0;
    if (ties_kept > 0)
        for (uint t = first; t < last; t++) ties += floatBitsToUint(weight(t)) == tie ? 1 : 0;
    chunk_ties[i] = ties;
    barrier();
    if (i == 0) {
        uint before = 0;
        for (uint c = 0; c < LS; c++) { ties_before[c] = before; before += chunk_ties[c]; }
    }
    barrier();
    uint seen = ties_before[i], kept = 0;
    float sum = 0.0;
    for (uint t = first; t < last; t++) {
        const float w = weight(t);
        const uint b = floatBitsToUint(w);
        if (b >= from || (ties_kept > 0 && b == tie && seen++ < ties_kept)) { sum += w; kept++; }
    }
    chunk_sum[i] = sum;
    const float all_kept = group_sum(float(kept)); // its barriers publish chunk_sum
    if (i == 0) {
        float total = 0.0;
        for (uint c = 0; c < LS; c++) total += chunk_sum[c];
        const float target = f.u * total;
        // The run in which the running sum passes the target, or the last run with anything kept.
        float before = 0.0, at = 0.0;
        uint owner = 0;
        for (uint c = 0; c < LS; c++) {
            if (chunk_sum[c] == 0.0) continue;
            owner = c;
            at = before;
            if (before + chunk_sum[c] > target) break;
            before += chunk_sum[c];
        }
        uint s = ties_before[owner], pick = choice[n].token;
        for (uint t = owner * run; t < min(owner * run + run, p.vocab); t++) {
            const float w = weight(t);
            const uint b = floatBitsToUint(w);
            if (w > 0.0 && (b >= from || (ties_kept > 0 && b == tie && s++ < ties_kept))) {
                pick = t;
                at += w;
                if (at > target) break;
            }
        }
        Choice c = choice[n];
        c.token = pick;
        c.logit = logits[l0 + pick];
        c.logprob = c.logit - c.top - c.lse;
        c.kept = uint(all_kept);
        choice[n] = c;
    }
}
