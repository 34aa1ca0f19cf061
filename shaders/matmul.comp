#version 450
// y[n][row0 + i] = sum_k W[i][k] x[n][k]
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/product.glsl"
layout(set = 0, binding = 0) readonly buffer W { uvec4 weights[]; };  // [rows][units]
layout(set = 0, binding = 1) readonly buffer X { vec4 x_in[]; };   // [n][x_stride]
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; }; // [n][y_stride]
#define PARTS 1
#define LOAD_W(part, row, unit) weights[(row) * p.units + (unit)]
#define LOAD_X(t, v) x_in[(t) * p.x_stride + (v)]
#define EMIT(t, row, acc) y[(t) * p.y_stride + p.row0 + (row)] = acc[0]
#include "lib/shape.glsl"
