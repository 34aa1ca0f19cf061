#version 450
// Draws a token from each row's filtered distribution: temperature, top-k (equals kept), top-p (the sum runs over
// the values before renormalising; the token that crosses the line goes, the first stays), min-p, renormalise.
// Each filter keeps the tokens above some value, so instead of sorting the kernels find that value in the bits of the
// weights e = exp((logit - top) / temperature), which order as integers do: SELECT counts the weights in 1024 bins by their highest
// ten bits, then those of the bin in which an edge lies by the next ten, then by the last. Sums over bins are integers, so the order
// in which workgroups add does not show. SUM adds up what is kept of every chunk of the vocabulary, DRAW walks it.
// Runs after argmax on the same rows; leaves rows that are not to be sampled as argmax left them.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0, local_size_x = 64) in;
#define LS gl_WorkGroupSize.x
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
struct Cut { // how far the search for the smallest weight that stays has come
    uint from;    // bits of the smallest weight of the bin that is searched; in the end of what is kept
    uint sought;  // whose edge is in the bin: TOP_K, TOP_P; 0: the search is over
    uint above;   // number of the weights above the bin
    float sum;    // and what they add up to
    float budget; // what top-p lets the sum come to
    uint tie;     // bits of the weight at top-p's edge, of which only
    uint ties;    // the first so many in vocabulary order stay
    uint pad;
};
struct Part { // of what is kept in a chunk
    float sum;  // of the weights above ties
    uint kept;  // number of these
    uint ties;
    uint pad;
};
const uint LEVELS = 3, BINS = 1024;
const uint TOP_K = 1, TOP_P = 2;
layout(set = 0, binding = 1) readonly buffer F { Filter filters[]; }; // [n]
layout(set = 0, binding = 2) buffer C { Choice choice[]; };           // [n]
layout(set = 0, binding = 3) buffer B { uint bins[]; };               // [n][LEVELS][number, sum][BINS], zero before and after
layout(set = 0, binding = 4) buffer E { Cut cuts[]; };                // [n][LEVELS]
layout(set = 0, binding = 5) buffer P { Part parts[]; };              // [n][chunks]
layout(push_constant) uniform Push {
    uint vocab, stride;
    uint chunk; // tokens a workgroup; at most LS chunks
    uint level; // of the bins that SELECT fills; LEVELS: all are filled; 0 beyond SELECT: no row has use for them
} p;

#include "lib/logits.glsl"

uint i = gl_LocalInvocationIndex;
uint n;
Filter f;
float top;

// (l - top) / temperature; infinite logits do not meet as Inf - Inf.
vec4 exponents(vec4 l) {
    precise vec4 e = (l - top) * f.inverse_temperature;
    return mix(e, vec4(0.0), equal(l, vec4(top)));
}
// At most 1, and exactly 1 for the largest logit: exp promises neither, and the bins end there.
vec4 weights(vec4 e) { return mix(min(exp(e), vec4(1.0)), vec4(1.0), equal(e, vec4(0.0))); }
float weight(uint t) { return weights(exponents(vec4(logits[n * p.stride + t]))).x; }
// The exponent of a weight with these bits, and further off than exp and log err by: weights beyond it need not be computed.
float exponent_of(uint bits, float off) { return bits < 0x00800000u ? NOTHING : log(uintBitsToFloat(bits)) + off; }

// False for rows that stay as they are, in the whole workgroup.
bool begin(uint row) {
    n = row;
    f = filters[n];
    top = choice[n].top;
    return f.enabled != 0 && choice[n].token != NO_TOKEN;
}

shared uint scan_number[2][LS];
shared float scan_sum[2][LS];
uint all_number; // of the last scan
float all_sum;
// Sums of both over the invocations up to this one, added in a fixed order.
void scan(inout uint number, inout float sum) {
    uint at = 0;
    barrier(); // the scan before may still be read
    scan_number[0][i] = number;
    scan_sum[0][i] = sum;
    for (uint h = 1; h < LS; h <<= 1) {
        barrier();
        if (i >= h) {
            number += scan_number[at][i - h];
            sum += scan_sum[at][i - h];
        }
        at ^= 1;
        scan_number[at][i] = number;
        scan_sum[at][i] = sum;
    }
    barrier();
    all_number = scan_number[at][LS - 1];
    all_sum = scan_sum[at][LS - 1];
}

shared uint first; // invocation that has found what it was looking for
// The first of the invocations that find; LS: none does.
uint first_of(bool found) {
    barrier(); // the one before may still be read
    if (i == 0) first = LS;
    barrier();
    if (found) atomicMin(first, i);
    barrier();
    return first;
}

#ifndef DRAW
#include "lib/search.glsl"
#endif

#if defined(SELECT)
shared uint number_in[BINS];
shared uint sum_in[BINS];

void main() {
    if (!begin(gl_WorkGroupID.y)) return;
    const Cut c = cut_at(p.level);
    if (p.level > 0) keep(c, p.level);
    if (c.sought == 0) return;
    for (uint b = i; b < BINS; b += LS) { number_in[b] = 0; sum_in[b] = 0; }
    barrier();
    const uint s = shift(p.level), less = lost(p.level), mask = (1u << s) - 1;
    const bool sums = (c.sought & TOP_P) != 0 && p.level < LEVELS - 1;
    const uint last = min((gl_WorkGroupID.x + 1) * p.chunk, p.vocab);
    const float low = exponent_of(c.from, -1e-3), high = exponent_of(max(c.from + (BINS << s), 0x00800000u), 1e-3);
    for (uint t = gl_WorkGroupID.x * p.chunk + 4 * i; t < last; t += 4 * LS) {
        const vec4 e = exponents(four(n * p.stride, t, last));
        if (p.level > 0 && !any(equal(clamp(e, low, high), e))) continue; // none is in the bin
        const uvec4 bits = floatBitsToUint(weights(e)), bin = (bits - c.from) >> s;
        for (uint j = 0; j < 4; j++) {
            if (bits[j] < c.from || bin[j] >= BINS || t + j >= last) continue;
            atomicAdd(number_in[bin[j]], 1);
            if (sums) atomicAdd(sum_in[bin[j]], (bits[j] & mask) >> less);
        }
    }
    barrier();
    for (uint b = i; b < BINS; b += LS) {
        if (number_in[b] == 0) continue;
        atomicAdd(bins[bin_at(p.level, 0, b)], number_in[b]);
        if (sum_in[b] > 0) atomicAdd(bins[bin_at(p.level, 1, b)], sum_in[b]);
    }
}
#elif defined(SUM)
#include "lib/reduce.glsl"
shared uint kept_in;
shared uint ties_in;

void main() {
    if (!begin(gl_WorkGroupID.y)) return;
    Cut c = cut_at(p.level);
    const uint floor_bits = floatBitsToUint(max(f.min_p, 0.0));
    if (c.tie < floor_bits) c.ties = 0;
    c.from = max(c.from, floor_bits);
    keep(c, LEVELS);
    if (i == 0) { kept_in = 0; ties_in = 0; }
    uint kept = 0, ties = 0;
    float sum = 0.0;
    const uint last = min((gl_WorkGroupID.x + 1) * p.chunk, p.vocab);
    const float low = exponent_of(c.ties > 0 ? min(c.from, c.tie) : c.from, -1e-3);
    for (uint t = gl_WorkGroupID.x * p.chunk + 4 * i; t < last; t += 4 * LS) {
        const vec4 e = exponents(four(n * p.stride, t, last));
        if (!any(greaterThanEqual(e, vec4(low)))) continue; // none is kept
        const vec4 w = weights(e);
        const uvec4 bits = floatBitsToUint(w), tie = uvec4(equal(bits, uvec4(c.tie)));
        const uvec4 stays = uvec4(greaterThanEqual(bits, uvec4(c.from))) * uvec4(lessThan(uvec4(t, t + 1, t + 2, t + 3), uvec4(last)));
        const vec4 kept_w = mix(vec4(0.0), w, bvec4(stays));
        sum += (kept_w.x + kept_w.y) + (kept_w.z + kept_w.w);
        kept += stays.x + stays.y + stays.z + stays.w;
        ties += tie.x + tie.y + tie.z + tie.w;
    }
    sum = group_sum(sum); // its barriers also come before the sums below
    atomicAdd(kept_in, kept);
    if (c.ties > 0) atomicAdd(ties_in, ties);
    barrier();
    if (i == 0) parts[n * gl_NumWorkGroups.x + gl_WorkGroupID.x] = Part(sum, kept_in, ties_in, 0);
}
#elif defined(DRAW)
struct Place { uint at; float before; uint ties; }; // a run of tokens, and what is kept before it
shared Place place;
// The run, of one an invocation in vocabulary order, in which the running sum passes u of the whole, or u itself when `whole` is false;
// the last with anything kept where rounding leaves none. Ties of which ties_left stay are not in sum.
Place locate(float sum, uint ties, uint ties_left, float tie, float u, bool whole) {
    uint ties_to = ties;
    float sum_to = 0.0;
    if (ties_left > 0) scan(ties_to, sum_to);
    const uint ties_before = ties_to - ties;
    const float with = sum + float(min(ties, ties_left - min(ties_left, ties_before))) * tie;
    uint any = with > 0.0 ? 1 : 0;
    const uint mine = any;
    sum_to = with;
    scan(any, sum_to);
    const uint passed = first_of(mine == 1 && sum_to > (whole ? u * all_sum : u)), last = first_of(mine == 1 && any == all_number);
    if (i == (passed < LS ? passed : last)) place = Place(i, sum_to - with, ties_before);
    barrier();
    return place;
}

void main() {
    if (!begin(gl_WorkGroupID.x)) return;
    Cut c = cuts[n * LEVELS + LEVELS - 1];
    const uint chunks = (p.vocab + p.chunk - 1) / p.chunk;
    Part part = Part(0.0, 0, 0, 0);
    if (i < chunks) part = parts[n * chunks + i];
    const float tie = uintBitsToFloat(c.tie);
    Place at = locate(part.sum, part.ties, c.ties, tie, f.u, true);
    const float target = f.u * all_sum;
    uint kept = part.kept;
    float ties_of_all = float(part.ties); // exact: a vocabulary is below 2^24
    scan(kept, ties_of_all);
    const uint all_kept = all_number + min(uint(all_sum), c.ties);

    // From the chunk to one invocation's part of it, and on to a few tokens.
    uint run = p.chunk, from = at.at * run, last = p.vocab, ties = at.ties;
    float before = at.before;
    do {
        last = min(from + run, last);
        run = (run + LS - 1) / LS;
        Part r = Part(0.0, 0, 0, 0);
        for (uint t = from + i * run; t < min(from + i * run + run, last); t++) {
            const float w = weight(t);
            const uint bits = floatBitsToUint(w);
            r.sum += bits >= c.from ? w : 0.0;
            r.ties += bits == c.tie ? 1 : 0;
        }
        at = locate(r.sum, r.ties, c.ties - min(c.ties, ties), tie, target - before, false);
        from += at.at * run;
        ties += at.ties;
        before += at.before;
    } while (run > LS);
    if (i == 0) {
        Choice r = choice[n];
        for (uint t = from; t < min(from + run, last) && before <= target; t++) {
            const float w = weight(t);
            const uint bits = floatBitsToUint(w);
            if (w > 0.0 && (bits >= c.from || (bits == c.tie && ties++ < c.ties))) {
                r.token = t;
                before += w;
            }
        }
        r.logit = logits[n * p.stride + r.token];
        r.logprob = r.logit - r.top - r.lse;
        r.kept = all_kept;
        choice[n] = r;
    }
    if (p.level > 0 && (f.top_k > 0 || f.top_p > 0.0))
        for (uint b = i; b < LEVELS * 2 * BINS; b += LS) bins[n * LEVELS * 2 * BINS + b] = 0;
}
#endif
