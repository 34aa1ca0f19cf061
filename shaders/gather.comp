#version 450
// y[n] = x[cell of row n]
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };   // [cell][stride]
layout(set = 0, binding = 1) readonly buffer R { Row rows[]; }; // [n]
layout(set = 0, binding = 2) writeonly buffer Y { vec4 y[]; };  // [n][stride]
layout(push_constant) uniform Push { uint stride; } p;          // float vectors in a row

void main() {
    const uint i = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    if (i < p.stride) y[n * p.stride + i] = x[rows[n].cell * p.stride + i];
}
