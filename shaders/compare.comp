#version 450
// How far each row's state has come: d = state[pair.cell] - older[pair.from], against the row's last such difference, which it
// then replaces. A workgroup for each row.
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
struct Pair {
    uint cell; // of the row
    uint from; // cell of what its state is compared with
    uint kept; // row of kept
    uint fresh; // 1: nothing is kept there, take zero
};
struct Distance {
    float now;    // s^2
    float first;  // d^2
    float second; // (d - d')^2
};
layout(set = 0, binding = 0) readonly buffer S { V state[]; };       // [cell][stride]
layout(set = 0, binding = 1) readonly buffer O { V older[]; };       // [cell][stride]
layout(set = 0, binding = 2) buffer K { V kept[]; };                 // [..][stride] differences
layout(set = 0, binding = 3) readonly buffer P { Pair pairs[]; };    // [n]
layout(set = 0, binding = 4) writeonly buffer M { Distance moved[]; };  // [n]
layout(push_constant) uniform Push { uint d, stride; } p;

void main() {
    const uint n = gl_WorkGroupID.x;
    const Pair pair = pairs[n];
    const uint stride = IN_V(p.stride);
    float now = 0.0, first = 0.0, second = 0.0;
    EACH(i, p.d) {
        const V s = state[pair.cell * stride + i], d = s - older[pair.from * stride + i];
        V e = d;
        if (pair.fresh == 0) e -= kept[pair.kept * stride + i];
        kept[pair.kept * stride + i] = d;
        now = sum_of(s, s, now);
        first = sum_of(d, d, first);
        second = sum_of(e, e, second);
    }
    now = group_sum(now);
    first = group_sum(first);
    second = group_sum(second);
    if (gl_LocalInvocationIndex == 0) moved[n] = Distance(now, first, second);
}
