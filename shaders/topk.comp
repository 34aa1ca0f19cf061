#version 450
// The likeliest tokens of each row, as many as it asks for, and the log probabilities of these, of the token chosen and of one
// given: of the plain softmax, so it runs on logits as they are. Of equal logits the lowest token comes first; what cannot be, at
// negative infinity, comes not at all. A workgroup for each row: each lane holds the best of its tokens that are still to come, and
// only the one whose token is taken looks at its own again.
#extension GL_GOOGLE_include_directive : require
#define LS 256
layout(local_size_x = LS) in;
#include "lib/reduce.glsl"
#include "lib/choice.glsl"
struct Entry { uint token; float logprob; };
struct Likely { // shaders.Likely in Go
    float chosen; // log probability of the token chosen
    float given;  // log probability of the token given
    Entry top[20]; // the likeliest first; NO_TOKEN behind the last
};
layout(set = 0, binding = 0) readonly buffer L { float logits[]; };   // [n][stride]
layout(set = 0, binding = 1) readonly buffer C { Choice choice[]; };  // [n]
layout(set = 0, binding = 2) readonly buffer G { uint given[]; };     // [n]
layout(set = 0, binding = 3) readonly buffer K { uint wanted[]; };    // [n] entries, 20 at most
layout(set = 0, binding = 4) writeonly buffer T { Likely likely[]; }; // [n]
layout(push_constant) uniform Push { uint vocab, stride; } p;

uint l0;
float best; // of the lane's tokens that are still to come, the first to be taken
uint token; // NO_TOKEN: there is none

// The lane's best token that comes after `last`, whose logit is `limit`; the first of all when `last` is NO_TOKEN.
void look(float limit, uint last) {
    const uint i = gl_LocalInvocationIndex;
    float b = -3.402823466e38;
    uint at = NO_TOKEN;
    for (uint t = i; t < p.vocab; t += LS) {
        const float v = logits[l0 + t];
        if (last != NO_TOKEN && (v > limit || (v == limit && t <= last))) continue;
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

shared float top_value[LS]; // of the tree below
shared uint top_token[LS];

void main() {
    const uint i = gl_LocalInvocationIndex, n = gl_WorkGroupID.x, k = min(wanted[n], 20u);
    if (choice[n].token == NO_TOKEN) return; // the same in the whole workgroup
    l0 = n * p.stride;
    look(0.0, NO_TOKEN);
    float top = 0.0, lse = 0.0;
    for (uint r = 0; r < max(k, 1u); r++) {
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
        const float v = top_value[0];
        const uint t = top_token[0];
        if (r == 0) {
            top = v;
            float sum = 0.0;
            for (uint j = i; j < p.vocab; j += LS) {
                const float l = logits[l0 + j];
                sum += l == top ? 1.0 : exp(l - top);
            }
            lse = log(group_sum(sum));
        }
        if (i == 0 && r < k) {
            likely[n].top[r].token = t;
            likely[n].top[r].logprob = t == NO_TOKEN ? 0.0 : log_probability(v, top, lse);
        }
        if (t != NO_TOKEN && t % LS == i) look(v, t);
        barrier(); // the next round writes over what this one has read
    }
    if (i == 0) {
        likely[n].chosen = log_probability(logits[l0 + choice[n].token], top, lse);
        likely[n].given = log_probability(logits[l0 + min(given[n], p.vocab - 1)], top, lse);
        for (uint r = k; r < 20; r++) likely[n].top[r].token = NO_TOKEN;
    }
}
