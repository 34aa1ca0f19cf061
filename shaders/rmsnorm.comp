#version 450
// y[n] = x[n] * rsqrt(mean(x[n]^2) + eps) * weight; a workgroup for each row. AT: d columns of x from p.at on, in place.
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
#ifdef WIDE
V kept_x[KEEPS], kept_w[KEEPS];
#endif
#ifdef AT
layout(set = 0, binding = 0) buffer X { V x[]; };                   // [n][stride]
#define y x
#else
layout(set = 0, binding = 0) readonly buffer X { V x[]; };          // [n][stride]
#endif
layout(set = 0, binding = 1) readonly buffer N { V weight[]; };     // [d]
#ifdef QUANTIZE // y as int8 beside itself
#ifdef WIDE
layout(set = 0, binding = 2) coherent buffer Y { vec4 y[]; };
#define NORM_Y4(i) y[i]
#else
#include "lib/aliased.glsl"
ALIASED layout(set = 0, binding = 2) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 2) coherent buffer Y4 { vec4 y4[]; };
#define NORM_Y4(i) y4[i]
#endif
layout(set = 0, binding = 3) writeonly buffer Q { uint quant[]; };  // [n] quantized rows
#define QUANT(i) quant[i]
#include "lib/quantize.glsl"
#elif !defined(AT)
layout(set = 0, binding = 2) writeonly buffer Y { V y[]; };         // [n][stride]
#endif
layout(push_constant) uniform Push {
    uint d, stride;
    float eps;
#ifdef AT
    uint at;
#endif
} p;

void main() {
#ifdef AT
    const uint i0 = IN_V(gl_WorkGroupID.x * p.stride + p.at);
#else
    const uint i0 = IN_V(gl_WorkGroupID.x * p.stride);
#endif
#ifdef WIDE
    LOAD_ROW(k) kept_x[k] = x[i0 + ROW_AT(k, p.d)], kept_w[k] = weight[ROW_AT(k, p.d)];
#endif
    float sum = 0.0;
    OF_ROW(k, i, p.d) sum = IN_ROW(i, p.d) ? sum_of(KEPT_OR(kept_x, k, x[i0 + i]), KEPT_OR(kept_x, k, x[i0 + i]), sum) : sum;
    const float r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    OF_ROW(k, i, p.d) {
        const V v = KEPT_OR(kept_x, k, x[i0 + i]) * r * KEPT_OR(kept_w, k, weight[i]);
        KEEP(kept_x, k, IN_ROW(i, p.d) ? v : V(0));
        if (IN_ROW(i, p.d)) y[i0 + i] = v;
    }
#ifdef QUANTIZE
    quantize(gl_WorkGroupID.x * p.stride, p.stride);
#endif
}
