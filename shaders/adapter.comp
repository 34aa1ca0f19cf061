#version 450
// y[n][row0 + i] = sum_k A[i][k] concat(state, embeds)[n][k] (+ bias[i])
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/product.glsl"
layout(set = 0, binding = 0) readonly buffer W { uvec4 weights[]; };      // [rows][units], first half acts on the state
layout(set = 0, binding = 1) readonly buffer S { vec4 state[]; };   // [n][x_stride]
layout(set = 0, binding = 2) readonly buffer E { vec4 embeds[]; };  // [n][x_stride]
layout(set = 0, binding = 3) readonly buffer B { float bias[]; };   // [rows of the whole matrix], when p.bias
layout(set = 0, binding = 4) writeonly buffer Y { float y[]; };     // [n][y_stride]
#define PARTS 1
#define LOAD_W(part, row, unit) weights[(row) * p.units + (unit)]
#define LOAD_X(t, v) ((v) < p.split ? state[(t) * p.x_stride + (v)] : embeds[(t) * p.x_stride + (v) - p.split])
#define EMIT(t, row, acc) \
    y[(t) * p.y_stride + p.row0 + (row)] = acc[0] + (p.bias != 0 ? bias[p.row0 + (row)] : 0.0)
#include "lib/shape.glsl"
