#version 450
// y[n] = x[cell of row n]. SUM: y[n] = x[cell] + b[cell]. FIRST: only rows without a core step behind them, the others stay.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };   // [cell][stride]
layout(set = 0, binding = 1) readonly buffer R { Row rows[]; }; // [n]
layout(set = 0, binding = 2) writeonly buffer Y { vec4 y[]; };  // [n][stride]
#ifdef SUM
layout(set = 0, binding = 3) readonly buffer B { vec4 b[]; };   // [cell][stride]
#endif
layout(push_constant) uniform Push { uint stride; } p;          // float vectors in a row

void main() {
    const uint i = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    if (i >= p.stride) return;
    const uint from = rows[n].cell * p.stride + i;
#ifdef FIRST
    if (rows[n].step != 0) return;
#endif
#ifdef SUM
    y[n * p.stride + i] = x[from] + b[from];
#else
    y[n * p.stride + i] = x[from];
#endif
}
