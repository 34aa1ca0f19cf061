#version 450
// x[n] takes in a[n] by the residual's form, with its norm. With PAIR also y[n] = rms(x[n]) * next: the norm before the next
// matmul. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 64 // as lib/matvec.glsl, whose NORM gives the same bits
layout(local_size_x = LS) in;
#endif
#include "lib/reduce.glsl"
#include "lib/wide.glsl"
layout(set = 0, binding = 0) readonly buffer A { V a[]; };          // [n][stride]
layout(set = 0, binding = 1) buffer X { V x[]; };                   // [n][stride], in place
layout(set = 0, binding = 2) readonly buffer N { V weight[]; };     // [d]
#define NORM_A(i) a[i]
#define NORM_X(i) x[i]
#define NORM_W(i) weight[i]
#ifdef PAIR
layout(set = 0, binding = 3) readonly buffer N2 { V next[]; };      // [d]
#ifdef QUANTIZE // y as int8 beside itself
#ifdef WIDE
layout(set = 0, binding = 4) coherent buffer Y { vec4 y[]; };
#define NORM_Y4(i) y[i]
#else
#include "lib/aliased.glsl"
ALIASED layout(set = 0, binding = 4) coherent buffer Y { float y[]; };
ALIASED layout(set = 0, binding = 4) coherent buffer Y4 { vec4 y4[]; };
#define NORM_Y4(i) y4[i]
#endif
layout(set = 0, binding = 5) writeonly buffer Q { uint quant[]; };  // [n] quantized rows
#define QUANT(i) quant[i]
#else
layout(set = 0, binding = 4) writeonly buffer Y { V y[]; };         // [n][stride]
#endif
#define NORM_NEXT(i) next[i]
#define NORM_Y(i) y[i]
#endif
#include "lib/addnorm.glsl"
layout(push_constant) uniform Push { uint d, stride; float eps; uint form; } p;

void main() {
#ifdef PAIR
    add_norm_pair(gl_WorkGroupID.x * p.stride, p.stride, p.d, p.eps, p.form);
#else
    add_norm(gl_WorkGroupID.x * p.stride, p.d, p.eps, p.form);
#endif
}
