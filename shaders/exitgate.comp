#version 450
// After a core step, before it is counted: how likely each row has had enough, by the dot product of its state with the gate, and
// what would be read of it were this the last step. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 128
layout(local_size_x = LS) in;
#endif
#include "lib/reduce.glsl"
#include "lib/wide.glsl"
#include "lib/row.glsl"
#include "lib/group.glsl"
#include "lib/gate.glsl"
layout(set = 0, binding = 0) readonly buffer S { V state[]; };         // [cell][stride]
layout(set = 0, binding = 1) readonly buffer W { V weight[]; };        // [d]
layout(set = 0, binding = 2) readonly buffer B { float bias[]; };      // [1]
layout(set = 0, binding = 3) readonly buffer R { Row rows[]; };        // [n]
layout(set = 0, binding = 4) readonly buffer G { ExitRule rules[]; };  // [group]
layout(set = 0, binding = 5) readonly buffer P { Progress progress[]; };
layout(set = 0, binding = 6) buffer E { ExitGate gates[]; };           // [cell]
layout(set = 0, binding = 7) writeonly buffer X { float exits[]; };    // [cell][p.most]
layout(set = 0, binding = 8) readonly buffer O { Readout readouts[]; }; // [group]
layout(set = 0, binding = 9) buffer Y { V read[]; };                   // [cell][stride]
layout(push_constant) uniform Push {
    uint d, stride;
    uint gated; // 0: there is no gate, rows are only read
    uint most;  // steps whose exits are kept
    uint reads; // 1: there are readouts
} p;

// Counts the step after t others, and tells the share of the state in what is read, or whether it is read. By one invocation,
// which alone reads and writes a row's gate.
float count_step(uint t, bool last, uint cell, uint group, float logit) {
    ExitGate now = ExitGate(1.0, 0.0, 0.0, 0.0, 0);
    if (t > 0) now = gates[cell];
    const float before = now.cdf, e = exp(-abs(logit)), more = 1.0 / (1.0 + e), less = e * more; // sigmoid(|g|), sigmoid(-|g|)
    now.logit = logit;
    now.exits = last ? now.survival : now.survival * (logit < 0.0 ? less : more);
    now.cdf += now.exits;
    now.survival *= logit < 0.0 ? more : less;
    if (t < p.most) exits[cell * p.most + t] = now.exits;
    float share = 0.0;
    if (p.reads != 0) {
        const Readout r = readouts[group];
        switch (r.mode) {
        case READ_LAST: share = 1.0; break;
        case READ_AT: share = t < r.step ? 1.0 : 0.0; break;
        case READ_EXIT: share = t == 0 || before < r.threshold ? 1.0 : 0.0; break;
        case READ_WEIGHTED: share = now.exits; break;
        }
        if (share != 0.0 || r.mode == READ_WEIGHTED) now.read = t + 1;
    }
    gates[cell] = now;
    return share;
}

void main() {
    const uint n = gl_WorkGroupID.x, cell = rows[n].cell, group = rows[n].group, s0 = IN_V(cell * p.stride), t = progress[group].taken;
    float logit = 0.0;
    if (p.gated != 0) {
        float sum = 0.0;
        EACH(i, p.d) sum = sum_of(weight[i], state[s0 + i], sum);
        logit = group_sum(sum) + bias[0];
    }
    float share = 0.0;
    if (gl_LocalInvocationIndex == 0) share = count_step(t, t + 1 >= rules[group].steps, cell, group, logit);
    if (p.reads == 0) return;
    share = group_sum(share); // the others have 0
    if (readouts[group].mode != READ_WEIGHTED) {
        if (share != 0.0) EACH(i, p.d) read[s0 + i] = state[s0 + i];
    } else if (t == 0) {
        EACH(i, p.d) read[s0 + i] = share * state[s0 + i];
    } else {
        EACH(i, p.d) read[s0 + i] += share * state[s0 + i];
    }
}
