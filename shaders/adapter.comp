#version 450
// y[n][row0 + i] = sum_k A[i][k] concat(state, embeds)[cell of row n][k] (+ bias[i])
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/matmul.glsl"
#include "lib/row.glsl"
UVEC4_INPUT(0, W, weights); // [rows][units], first half acts on the state
#ifdef BLOCKS
UINT_INPUT(0, WS, weight_scales);
#endif
#ifdef COOP
UVEC4_INPUT(1, X, x_in);    // [n][x_stride] halves of both, their scale
FLOAT_INPUT(1, XS, x_scales);
#else
VEC4_INPUT(1, X, x_in);     // [cell][x_stride] state, and p.embeds behind it the embeds
#endif
layout(set = 0, binding = 2) readonly buffer B { float bias[]; };  // [rows of the whole matrix], when p.bias
layout(set = 0, binding = 3) writeonly buffer Y { float y[]; };    // [n][y_stride]
layout(set = 0, binding = 4) readonly buffer R { Row rows[]; };    // [n]
#define PARTS 1
#define X_ROW(t) rows[t].cell
#define LOAD_W(into, part, row, unit) PACKED(into, weights, weight_scales, row, unit)
// Without a branch: SwiftShader takes minutes and gigabytes to compile one for every load.
#define LOAD_X(t, v) FOUR(x_in, (t) * p.x_stride + (v) + uint((v) >= p.x_stride) * (p.embeds - p.x_stride))
#define EMIT(t, row, acc) \
    y[(t) * p.y_stride + p.row0 + (row)] = acc[0] + (p.bias != 0 ? bias[p.row0 + (row)] : 0.0)
#include "lib/shape.glsl"
