#version 450
// The likeliest tokens of each row, as many as it asks for, and the log probabilities of these, of the token chosen and of one
// given: of the plain softmax, so it runs on logits as they are. Of equal logits the lowest token comes first; what cannot be, at
// negative infinity, comes not at all. A workgroup for each chunk of a row: each lane holds the best of its tokens that are still to
// come, and only the one whose token is taken looks at its own again. The last to arrive does the same with the lists of all chunks.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x_id = 0, local_size_x = 64) in;
#define LS gl_WorkGroupSize.x
#include "lib/reduce.glsl"
#include "lib/choice.glsl"
const uint MOST = 20;
struct Entry { uint token; float logprob; };
struct Likely { // shaders.Likely in Go
    float chosen; // log probability of the token chosen
    float given;  // log probability of the token given
    Entry top[MOST]; // the likeliest first; NO_TOKEN behind the last
};
struct Part { // of a chunk
    float sum; // of exp(logit - largest)
    uint token[MOST]; // the likeliest first; NO_TOKEN behind the last, if there is room
    float logit[MOST];
};
layout(set = 0, binding = 0) readonly buffer L { float logits[]; };   // [n][stride]
layout(set = 0, binding = 1) readonly buffer C { Choice choice[]; };  // [n]
layout(set = 0, binding = 2) readonly buffer G { uint given[]; };     // [n]
layout(set = 0, binding = 3) readonly buffer K { uint wanted[]; };    // [n] entries, 20 at most
layout(set = 0, binding = 4) writeonly buffer T { Likely likely[]; }; // [n]
layout(set = 0, binding = 5) coherent buffer A { uint arrived[]; };   // [n] chunks done, 0 before and after
layout(set = 0, binding = 6) coherent buffer P { Part parts[]; };     // [n][chunks]
layout(push_constant) uniform Push { uint vocab, stride, chunk; } p;
#include "lib/last.glsl"

uint l0, from, last; // of the chunk
float best; // of the lane's tokens that are still to come, the first to be taken
uint token; // NO_TOKEN: there is none

// The lane's best token that comes after `taken`, whose logit is `limit`; the first of all when `taken` is NO_TOKEN.
void look(float limit, uint taken) {
    float b = -3.402823466e38;
    uint at = NO_TOKEN;
    for (uint t = from + gl_LocalInvocationIndex; t < last; t += LS) {
        const float v = logits[l0 + t];
        if (taken != NO_TOKEN && (v > limit || (v == limit && t <= taken))) continue;
        if (v > b || (at == NO_TOKEN && v == b)) { b = v; at = t; }
    }
    best = b;
    token = at;
}

// The same float wherever a token's log probability is printed. An infinite logit does not meet the largest as Inf - Inf.
float log_probability(float v, float top, float lse) {
    precise float r = (v == top ? 0.0 : v - top) - lse;
    return r;
}
float share(float v, float top) { return v == top ? 1.0 : exp(v - top); }

shared float top_value[LS]; // of the tree below
shared uint top_token[LS];
// The best of all lanes.
void first_of_lanes(out float v, out uint t) {
    const uint i = gl_LocalInvocationIndex;
    barrier(); // what the round before found may still be read
    top_value[i] = best;
    top_token[i] = token;
    for (uint h = LS / 2; h > 0; h >>= 1) {
        barrier();
        if (i < h && top_token[i + h] != NO_TOKEN &&
            (top_token[i] == NO_TOKEN || top_value[i + h] > top_value[i] || (top_value[i + h] == top_value[i] && top_token[i + h] < top_token[i]))) {
            top_value[i] = top_value[i + h];
            top_token[i] = top_token[i + h];
        }
    }
    barrier();
    v = top_value[0];
    t = top_token[0];
}

void write(uint n, uint r, uint t, float v, float top, float lse) {
    likely[n].top[r].token = t;
    likely[n].top[r].logprob = t == NO_TOKEN ? 0.0 : log_probability(v, top, lse);
}

void main() {
    const uint i = gl_LocalInvocationIndex, n = gl_WorkGroupID.y, k = min(wanted[n], MOST), chunks = gl_NumWorkGroups.x;
    if (choice[n].token == NO_TOKEN) return; // the same in the whole workgroup
    l0 = n * p.stride;
    from = gl_WorkGroupID.x * p.chunk;
    last = min(from + p.chunk, p.vocab);
    const uint own = n * chunks + gl_WorkGroupID.x;
    look(0.0, NO_TOKEN);
    float top = 0.0, sum = 0.0, lse = 0.0, v;
    uint t;
    for (uint r = 0; r < max(k, 1); r++) {
        first_of_lanes(v, t);
        if (r == 0) {
            top = v;
            for (uint j = from + i; j < last; j += LS) sum += share(logits[l0 + j], top);
            sum = group_sum(sum);
            lse = log(sum);
        }
        if (chunks == 1 && i == 0 && r < k) write(n, r, t, v, top, lse);
        if (chunks > 1 && i == 0) { parts[own].token[r] = t; parts[own].logit[r] = v; }
        if (t != NO_TOKEN && t == token) look(v, t);
    }
    if (chunks > 1) {
        if (i == 0) parts[own].sum = sum;
        if (!last_to_arrive(n, 1, chunks)) return;
        const bool has = i < chunks;
        uint at = n * chunks + i, next = 0;
        best = has ? parts[at].logit[0] : 0.0;
        token = has ? parts[at].token[0] : NO_TOKEN;
        for (uint r = 0; r < max(k, 1); r++) {
            first_of_lanes(v, t);
            if (r == 0) {
                top = v;
                sum = group_sum(has && token != NO_TOKEN ? parts[at].sum * share(best, top) : 0.0);
                lse = log(sum);
            }
            if (i == 0 && r < k) write(n, r, t, v, top, lse);
            if (t != NO_TOKEN && t == token) {
                const bool more = ++next < k;
                best = more ? parts[at].logit[next] : 0.0;
                token = more ? parts[at].token[next] : NO_TOKEN;
            }
        }
    }
    if (i == 0) {
        likely[n].chosen = log_probability(logits[l0 + choice[n].token], top, lse);
        likely[n].given = log_probability(logits[l0 + min(given[n], p.vocab - 1)], top, lse);
        for (uint r = k; r < MOST; r++) likely[n].top[r].token = NO_TOKEN;
    }
}
