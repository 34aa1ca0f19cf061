#version 450
// What came of each row's state since it was last compared: change[n] from state[slot], kept[slot] and the one kept before,
// which then take its place. A workgroup for each row.
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
#include "lib/change.glsl"
layout(set = 0, binding = 0) readonly buffer S { float state[]; };    // [slot][stride]
layout(set = 0, binding = 1) buffer K { float kept[]; };              // [2 slots][stride] states at the last comparison, and at the one before
layout(set = 0, binding = 2) readonly buffer R { Row rows[]; };       // [n]
layout(set = 0, binding = 3) writeonly buffer C { Change change[]; }; // [n]
layout(push_constant) uniform Push { uint d, stride, oldest; } p;     // oldest: floats from a kept state to the one before

void main() {
    const uint n = gl_WorkGroupID.x, s0 = rows[n].slot * p.stride;
    Change c = Change(0.0, 0.0, 0.0, 0.0, 0.0);
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float s = state[s0 + i], before = kept[s0 + i];
        change_add(c, s, before, kept[s0 + i + p.oldest]);
        kept[s0 + i + p.oldest] = before;
        kept[s0 + i] = s;
    }
    c = change_sum(c);
    if (gl_LocalInvocationIndex == 0) change[n] = c;
}
