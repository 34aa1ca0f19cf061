#version 450
// The end of a core step: state[cell] = rms(a[n] + x[n]) * weight, the last core block's norm after its residual, and the
// row has done one more step. Where the row's group is due for a check, what came of its state since the last one goes to
// change[cell]. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 128
layout(local_size_x = LS) in;
#endif
#include "lib/reduce.glsl"
#include "lib/row.glsl"
#include "lib/group.glsl"
#include "lib/change.glsl"
layout(set = 0, binding = 0) readonly buffer A { float a[]; };        // [n][stride]
layout(set = 0, binding = 1) readonly buffer X { float x[]; };        // [n][stride]
layout(set = 0, binding = 2) readonly buffer W { float weight[]; };   // [d]
layout(set = 0, binding = 3) writeonly buffer S { float state[]; };   // [cell][stride]
layout(set = 0, binding = 4) buffer R { Row rows[]; };                // [n]
layout(set = 0, binding = 5) buffer O { float older[]; };             // [2 cells][stride] states at the last check, and at the one before
layout(set = 0, binding = 6) writeonly buffer C { Change change[]; }; // [cell]
layout(set = 0, binding = 7) readonly buffer G { ExitRule rules[]; };     // [group]
layout(set = 0, binding = 8) readonly buffer P { Progress progress[]; };
layout(push_constant) uniform Push {
    uint d, stride;
    float eps;
    uint oldest; // floats from a state at the last check to the one before
} p;

void main() {
    const uint n = gl_WorkGroupID.x, i0 = n * p.stride, cell = rows[n].cell, s0 = cell * p.stride, group = rows[n].group;
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float v = a[i0 + i] + x[i0 + i];
        sum += v * v;
    }
    const float r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) state[s0 + i] = (a[i0 + i] + x[i0 + i]) * r * weight[i];
    if (gl_LocalInvocationIndex == 0) rows[n].step += 1;

    if (!due(rules[group], progress[group].taken)) return;
    const bool first = progress[group].checks == 0;
    Change c = Change(0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float s = (a[i0 + i] + x[i0 + i]) * r * weight[i], before = older[s0 + i];
        change_add(c, s, before, first ? before : older[s0 + i + p.oldest]);
        older[s0 + i + p.oldest] = before;
        older[s0 + i] = s;
    }
    c = change_sum(c);
    if (gl_LocalInvocationIndex == 0) change[cell] = c;
}
