#version 450
// The likeliest tokens of each row, as many as it asks for, and the log probabilities of these, of the token chosen and of one
// given: of the plain softmax, so it runs on logits as they are. Of equal logits the lowest token comes first; what cannot be, at
// negative infinity, comes not at all. A workgroup for each chunk of a row. The largest logits of the lanes, of which the k-th is a
// limit that k tokens reach, leave a few candidates, whose places are counted. The last to arrive does the same with the lists of all chunks.
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
layout(set = 0, binding = 1) readonly buffer C { Choice choice[]; };  // [n]
layout(set = 0, binding = 2) readonly buffer G { uint given[]; };     // [n]
layout(set = 0, binding = 3) readonly buffer K { uint wanted[]; };    // [n] entries, 20 at most
layout(set = 0, binding = 4) writeonly buffer T { Likely likely[]; }; // [n]
layout(set = 0, binding = 5) coherent buffer A { uint arrived[]; };   // [n] chunks done, 0 before and after
layout(set = 0, binding = 6) coherent buffer P { Part parts[]; };     // [n][chunks]
layout(push_constant) uniform Push { uint vocab, stride, chunk; } p;
#include "lib/last.glsl"
#include "lib/logits.glsl"

// The same float wherever a token's log probability is printed. An infinite logit does not meet the largest as Inf - Inf.
float log_probability(float v, float top, float lse) {
    precise float r = (v == top ? 0.0 : v - top) - lse;
    return r;
}
float share(float v, float top) { return v == top ? 1.0 : exp(v - top); }

const uint ROOM = 128; // candidates
shared float value_of[LS > ROOM ? LS : ROOM]; // the lanes' largest; then of the candidates
shared uint token_of[ROOM];
shared uint candidates; // there may be more than room
shared float limit;     // a candidate's logit is above it, or it is this with a token up to limit_token
shared uint limit_token;

// Makes the k-th largest of the lanes' values the limit, LEAST if there are not so many; gives the largest.
float limit_by(float mine, uint k) {
    const uint i = gl_LocalInvocationIndex;
    value_of[i] = mine;
    if (i == 0) { limit = LEAST; limit_token = NO_TOKEN; }
    barrier();
    uint place = 0;
    float top = mine;
    for (uint j = 0; j < LS; j++) {
        const float v = value_of[j];
        place += v > mine || (v == mine && j < i) ? 1 : 0;
        top = max(top, v);
    }
    if (place == k - 1 && mine > LEAST) limit = mine;
    return top;
}

void begin_candidates() {
    barrier(); // what was found before has been read
    if (gl_LocalInvocationIndex == 0) candidates = 0;
    barrier();
}
void offer(float v, uint t) {
    if (v < limit || (v == limit && t > limit_token)) return;
    const uint at = atomicAdd(candidates, 1);
    if (at < ROOM) { value_of[at] = v; token_of[at] = t; }
}

// Place of a candidate, 0 for the likeliest.
uint place_of(uint j, uint count) {
    const float v = value_of[j];
    const uint t = token_of[j];
    uint place = 0;
    for (uint o = 0; o < count; o++) place += value_of[o] > v || (value_of[o] == v && token_of[o] < t) ? 1 : 0;
    return place;
}
// True when all candidates had room. Else the k-th of those that had is the new limit, which at least ROOM - k fewer reach.
bool had_room(uint k) {
    barrier();
    if (candidates <= ROOM) return true;
    float v = limit;
    uint t = limit_token;
    bool found = false;
    for (uint j = gl_LocalInvocationIndex; j < ROOM; j += LS)
        if (place_of(j, ROOM) == k - 1) { v = value_of[j]; t = token_of[j]; found = true; }
    barrier();
    if (found) { limit = v; limit_token = t; }
    return false;
}

void main() {
    const uint i = gl_LocalInvocationIndex, n = gl_WorkGroupID.y, k = min(wanted[n], MOST), chunks = gl_NumWorkGroups.x, find = max(k, 1);
    if (choice[n].token == NO_TOKEN) return; // the same in the whole workgroup
    const uint l0 = n * p.stride, from = gl_WorkGroupID.x * p.chunk, last = min(from + p.chunk, p.vocab), own = n * chunks + gl_WorkGroupID.x;
    vec4 most = vec4(NOTHING);
    for (uint t = from + 4 * i; t < last; t += 4 * LS) most = max(most, four(l0, t, last));
    float top = limit_by(max(max(most.x, most.y), max(most.z, most.w)), find), sum;
    do {
        begin_candidates();
        const float least = limit;
        sum = 0.0;
        for (uint t = from + 4 * i; t < last; t += 4 * LS) {
            const vec4 v = four(l0, t, last);
            sum += (share(v.x, top) + share(v.y, top)) + (share(v.z, top) + share(v.w, top));
            if (max(max(v.x, v.y), max(v.z, v.w)) >= least)
                for (uint j = 0; j < 4; j++) offer(v[j], t + j);
        }
    } while (!had_room(find));
    sum = group_sum(sum);
    uint count = candidates;
    if (chunks > 1) {
        for (uint j = i; j < MOST; j += LS)
            if (j >= count) parts[own].token[j] = NO_TOKEN;
        for (uint j = i; j < count; j += LS) {
            const uint place = place_of(j, count);
            if (place < find) { parts[own].token[place] = token_of[j]; parts[own].logit[place] = value_of[j]; }
        }
        if (i == 0) parts[own].sum = sum;
        if (!last_to_arrive(n, 1, chunks)) return;
        const uint at = n * chunks + i;
        const bool has = i < chunks && parts[at].token[0] != NO_TOKEN;
        const float mine = has ? parts[at].logit[0] : NOTHING;
        top = limit_by(mine, find);
        do {
            begin_candidates();
            for (uint r = 0; has && r < find && parts[at].token[r] != NO_TOKEN; r++) offer(parts[at].logit[r], parts[at].token[r]);
        } while (!had_room(find));
        sum = group_sum(has ? parts[at].sum * share(mine, top) : 0.0);
        count = candidates;
    }
    const float lse = log(sum);
    for (uint j = i; j < count; j += LS) {
        const uint place = place_of(j, count);
        if (place < k) likely[n].top[place] = Entry(token_of[j], log_probability(value_of[j], top, lse));
    }
    for (uint j = i; j < MOST; j += LS)
        if (j >= min(k, count)) likely[n].top[j] = Entry(NO_TOKEN, 0.0);
    if (i == 0) {
        likely[n].chosen = log_probability(logits[l0 + choice[n].token], top, lse);
        likely[n].given = log_probability(logits[l0 + min(given[n], p.vocab - 1)], top, lse);
    }
}
