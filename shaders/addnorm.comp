#version 450
// x[n] = rms(a[n] + x[n]) * weight: the block's norm after the residual. With PAIR also
// y[n] = rms(x[n]) * next: the norm before the next product. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 128
layout(local_size_x = LS) in;
#endif
#include "lib/reduce.glsl"
layout(set = 0, binding = 0) readonly buffer A { float a[]; };      // [n][stride]
layout(set = 0, binding = 1) buffer X { float x[]; };               // [n][stride], in place
layout(set = 0, binding = 2) readonly buffer W { float weight[]; }; // [d]
#ifdef PAIR
layout(set = 0, binding = 3) readonly buffer W2 { float next[]; };  // [d]
layout(set = 0, binding = 4) writeonly buffer Y { float y[]; };     // [n][stride]
#endif
layout(push_constant) uniform Push { uint d, stride; float eps; } p;

// Every invocation reads back only the elements that it wrote itself, so no barrier is needed between the passes.
void main() {
    const uint i0 = gl_WorkGroupID.x * p.stride;
    float sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float v = a[i0 + i] + x[i0 + i];
        sum += v * v;
    }
    const float r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    sum = 0.0;
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) {
        const float v = (a[i0 + i] + x[i0 + i]) * r * weight[i];
        x[i0 + i] = v;
        sum += v * v;
    }
#ifdef PAIR
    const float r2 = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    for (uint i = gl_LocalInvocationIndex; i < p.d; i += LS) y[i0 + i] = x[i0 + i] * r2 * next[i];
#endif
}
