#version 450
// y[n][row0 + i] = sum_k W[i][k] x[n][k]. With NORM, the workgroup that is the last to have written its part of y goes on
// as addnorm.comp's PAIR does: x takes in y by the residual's form, z = rms(x) * next.
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
#include "lib/matmul.glsl"
UVEC4_INPUT(0, W, weights);       // [rows][units]
#ifdef BLOCKS
UINT_INPUT(0, WS, weight_scales);
#endif
#ifdef INT8
#include "lib/quantized.glsl"
UVEC4_INPUT(1, X, x_in);          // [n][x_stride] quantized rows
FLOAT_INPUT(1, XS, x_scales);
#define LOAD_Q(into, t, unit) QUANTIZED(into, x_in, x_scales, t, unit)
#elif defined(COOP)
UVEC4_INPUT(1, X, x_in);          // [n][x_stride] halves, their scale
FLOAT_INPUT(1, XS, x_scales);
#else
VEC4_INPUT(1, X, x_in);           // [n][x_stride]
#define LOAD_X(t, v) FOUR(x_in, (t) * p.x_stride + (v))
#endif
#ifdef NORM
layout(set = 0, binding = 2) coherent buffer Y { float y[]; };           // [n][y_stride]
layout(set = 0, binding = 3) coherent buffer C { uint arrived[]; };      // [tiles of x] workgroups done, 0 before and after
layout(set = 0, binding = 4) buffer R { float residual[]; };             // [n][y_stride], in place
layout(set = 0, binding = 5) readonly buffer N1 { float norm_weight[]; }; // [d]
layout(set = 0, binding = 6) readonly buffer N2 { float next_weight[]; }; // [d]
#ifdef QUANTIZE // z as int8 beside itself
ALIASED layout(set = 0, binding = 7) coherent buffer Z { float z[]; };
ALIASED layout(set = 0, binding = 7) coherent buffer Z4 { vec4 z4[]; };
layout(set = 0, binding = 8) writeonly buffer Q { uint quant[]; };       // [n] quantized rows
#define NORM_Y4(i) z4[i]
#define QUANT(i) quant[i]
#else
layout(set = 0, binding = 7) writeonly buffer Z { float z[]; };          // [n][y_stride]
#endif
#define NORM_A(i) y[i]
#define NORM_X(i) residual[i]
#define NORM_W(i) norm_weight[i]
#define NORM_NEXT(i) next_weight[i]
#define NORM_Y(i) z[i]
#define FINISH(t0)                                                                            \
    if (last_to_arrive(gl_WorkGroupID.y, 1, p.groups))                                                     \
        for (uint t = 0; t < NT && t0 + t < p.n; t++) add_norm_pair((t0 + t) * p.y_stride, p.y_stride, p.d, p.eps, p.form);
#else
layout(set = 0, binding = 2) writeonly buffer Y { float y[]; };          // [n][y_stride]
#endif
#define PARTS 1
#define LOAD_W(into, part, row, unit) PACKED(into, weights, weight_scales, row, unit)
#define EMIT(t, row, acc) y[(t) * p.y_stride + p.row0 + (row)] = acc[0]
#include "lib/shape.glsl"
