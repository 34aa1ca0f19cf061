#version 450
// y[n][row0 + i] = silu(sum_k G[i][k] x[n][k]) * sum_k U[i][k] x[n][k]: fc's first half is the gate, the second up
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/matmul.glsl"
UVEC4_INPUT(0, G, gate);  // [rows][units]
UVEC4_INPUT(1, U, up);    // [rows][units]
#ifdef BLOCKS
UINT_INPUT(0, GS, gate_scales);
UINT_INPUT(1, US, up_scales);
#endif
#ifdef INT8
#include "lib/quantized.glsl"
UVEC4_INPUT(2, X, x_in);  // [n][x_stride] quantized rows
FLOAT_INPUT(2, XS, x_scales);
#define LOAD_Q(into, t, unit) QUANTIZED(into, x_in, x_scales, t, unit)
#elif defined(COOP)
UVEC4_INPUT(2, X, x_in);  // [n][x_stride] halves, their scale
FLOAT_INPUT(2, XS, x_scales);
#else
VEC4_INPUT(2, X, x_in);   // [n][x_stride]
#define LOAD_X(t, v) FOUR(x_in, (t) * p.x_stride + (v))
#endif
#ifdef QUANTIZE // y as int8 beside itself
ALIASED layout(set = 0, binding = 3) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 3) coherent buffer Y4 { vec4 y4[]; };
layout(set = 0, binding = 4) coherent buffer Q { uint quant[]; };  // [n] quantized rows
#define arrived quant
#define NORM_Y4(i) y4[i]
#define QUANT(i) quant[i]
#define LAST_QUANTIZES
#define FINISH(t0) quantize_complete(t0, min(NT, p.n - t0), p.y_stride, p.row0 + row0, p.row0 + min(row0 + ROWS, p.rows), p.d);
#else
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };    // [n][y_stride]
#endif
#define PARTS 2
#define LOAD_W(into, part, row, unit)                        \
    if ((part) == 0) PACKED(into, gate, gate_scales, row, unit) \
    else PACKED(into, up, up_scales, row, unit)
// exp(-g) may overflow to infinity for very negative g; the quotient is then -0, as it should be.
#define EMIT(t, row, acc) y[(t) * p.y_stride + p.row0 + (row)] = acc[0] / (1.0 + exp(-acc[0])) * acc[1]
#include "lib/shape.glsl"
