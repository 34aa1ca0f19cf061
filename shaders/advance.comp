#version 450
// The end of a core step: state[n] = rms(a[n] + x[n]) * weight, the last core block's norm after its residual,
// and the row has done one more step. A workgroup for each row.
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
layout(set = 0, binding = 0) readonly buffer A { float a[]; };      // [n][stride]
layout(set = 0, binding = 1) readonly buffer X { float x[]; };      // [n][stride]
layout(set = 0, binding = 2) readonly buffer W { float weight[]; }; // [d]
layout(set = 0, binding = 3) writeonly buffer S { float state[]; }; // [n][stride]
layout(set = 0, binding = 4) buffer R { Row rows[]; };              // [n]
layout(push_constant) uniform Push { uint d, stride; float eps; } p;

void main() {
    const uint n = gl_WorkGroupID.x, i0 = n * p.stride;
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float v = a[i0 + i] + x[i0 + i];
        sum += v * v;
    }
    const float r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) state[i0 + i] = (a[i0 + i] + x[i0 + i]) * r * weight[i];
    if (gl_LocalInvocationIndex == 0) rows[n].step += 1;
}
