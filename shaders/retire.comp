#version 450
// After a core step: every group with live rows has taken it, and those that reached their limit or have taken all their steps are
// done. Their rows leave the table, the others close ranks, and the counts of all dispatches that follow the live rows are
// worked out anew. One workgroup.
#extension GL_GOOGLE_include_directive : require
#define LS 64
layout(local_size_x = LS) in;
#include "lib/reduce.glsl"
#include "lib/row.glsl"
#include "lib/group.glsl"
#include "lib/change.glsl"
#include "lib/gate.glsl"
layout(set = 0, binding = 0) buffer R { Row rows[]; };                // the live ones first
layout(set = 0, binding = 1) readonly buffer G { ExitRule rules[]; };     // [group]
layout(set = 0, binding = 2) buffer P { Progress progress[]; };       // [group]
layout(set = 0, binding = 3) readonly buffer C { Change change[]; };  // [cell]
layout(set = 0, binding = 4) writeonly buffer V { float values[]; };  // [group][p.values] at each check
layout(set = 0, binding = 5) buffer L { uint live, used, pad0, pad1; uint templates[]; }; // 6 words each: x, y, z, axis, times, each
layout(set = 0, binding = 6) writeonly buffer D { uint counts[]; };   // [template][p.stride]
layout(set = 0, binding = 7) readonly buffer E { ExitGate gates[]; }; // [cell]; read where a rule has that measure
layout(push_constant) uniform Push {
    uint groups;
    uint rows_n;  // begin: rows in the table, all of them live
    uint begin;   // 1: before the first step, nothing has been taken
    uint values;
    uint stride;  // words from one template's counts to the next
} p;

shared uint left;

float measured(uint measure, uint cell) {
    if (measure == MEASURE_GATE) return gates[cell].cdf;
    const Change c = change[cell];
    switch (measure) {
    case MEASURE_DIFF: return sqrt(c.first / max(c.now, 1e-37));
    case MEASURE_COSINE: {
        const float now = sqrt(c.now), before = sqrt(c.before), apart = now - before;
        if (now * before < 1e-8) return 1.0 - c.both / 1e-8; // a zero state
        return (c.first - apart * apart) / (2.0 * now * before); // see plain.Change.Cosine
    }
    case MEASURE_ACCELERATION: return sqrt(c.second / max(c.now, 1e-37));
    }
    return 0.0; // no such measure
}

void retire(uint g, uint n) {
    const ExitRule r = rules[g];
    Progress now = progress[g];
    if (now.done == 1) return;
    bool reached = now.done == 2;
    if (now.done > 2) now.done -= 1;
    if (now.done == 0 && due(r, now.taken)) {
        if (r.measure != MEASURE_PROBE) {
            float sum = 0.0, count = 0.0;
            for (uint i = 0; i < n; i++)
                if (rows[i].group == g) sum += measured(r.measure, rows[i].cell), count += 1.0;
            now.value = sum / max(count, 1.0);
        }
        if (now.checks < p.values) values[g * p.values + now.checks] = now.value;
        now.checks += 1;
        if (r.at_least != 0 ? now.value >= r.threshold : now.value < r.threshold) {
            reached = r.delay == 0;
            now.done = 1 + r.delay;
        }
    }
    now.taken += 1;
    if (reached || now.taken >= r.steps) now.done = 1;
    progress[g] = now;
}

void main() {
    const uint lane = gl_LocalInvocationIndex;
    if (p.begin == 0) {
        const uint n = live;
        if (n == 0) return; // as the last retire left it
        for (uint g = lane; g < p.groups; g += LS) retire(g, n);
        memoryBarrierBuffer();
        barrier();
        if (lane == 0) {
            uint to = 0;
            for (uint i = 0; i < n; i++) {
                if (progress[rows[i].group].done == 1) continue;
                if (to != i) {
                    const Row moved = rows[i], gone = rows[to];
                    rows[to] = moved;
                    rows[i] = gone;
                }
                to++;
            }
            left = to;
            live = to;
        }
    } else if (lane == 0) left = p.rows_n, live = p.rows_n;
    barrier();
    const uint n = left, all = used;
    for (uint t = lane; t < all; t += LS) {
        const uint at = t * 6, axis = templates[at + 3], each = templates[at + 5];
        const uint along = (n * templates[at + 4] + each - 1) / each;
        for (uint c = 0; c < 3; c++) counts[t * p.stride + c] = c == axis ? along : templates[at + c];
    }
}
