#version 450
// y[n][row0 + i] = silu(sum_k G[i][k] x[n][k]) * sum_k U[i][k] x[n][k]: fc's first half is the gate, the second up
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/product.glsl"
layout(set = 0, binding = 0) readonly buffer G { uvec4 gate[]; };  // [rows][units]
layout(set = 0, binding = 0) readonly buffer GS { uint gate_scales[]; };
layout(set = 0, binding = 1) readonly buffer U { uvec4 up[]; };    // [rows][units]
layout(set = 0, binding = 1) readonly buffer US { uint up_scales[]; };
#ifdef INT8
#include "lib/quantised.glsl"
layout(set = 0, binding = 2) readonly buffer X { uvec4 x_in[]; };        // [n][x_stride] quantised rows
layout(set = 0, binding = 2) readonly buffer XS { float x_scales[]; };
#define LOAD_Q(into, t, unit) QUANTISED(into, x_in, x_scales, t, unit)
#else
layout(set = 0, binding = 2) readonly buffer X { vec4 x_in[]; };   // [n][x_stride]
#define LOAD_X(t, v) x_in[(t) * p.x_stride + (v)]
#endif
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };    // [n][y_stride]
#define PARTS 2
#define LOAD_W(into, part, row, unit)                        \
    if ((part) == 0) PACKED(into, gate, gate_scales, row, unit) \
    else PACKED(into, up, up_scales, row, unit)
// exp(-g) may overflow to infinity for very negative g; the quotient is then -0, as it should be.
#define EMIT(t, row, acc) y[(t) * p.y_stride + p.row0 + (row)] = acc[0] / (1.0 + exp(-acc[0])) * acc[1]
#include "lib/shape.glsl"
