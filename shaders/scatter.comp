#version 450
// embeds[cell of row n] = (1 - ema) x[n] + ema old, ema being the row's, old its embeds or zero.
// VECTOR: y[cell of row n] = v; rows that have begun before, whose ema is 1, stay.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
layout(local_size_x = 64) in;
#ifdef VECTOR
layout(set = 0, binding = 0) readonly buffer X { float x[]; };  // [d]
#else
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };   // [n][stride]
#endif
layout(set = 0, binding = 1) readonly buffer R { Row rows[]; }; // [n]
layout(set = 0, binding = 2) buffer E { vec4 embeds[]; };       // [cell][stride]
layout(push_constant) uniform Push {
    uint stride; // float vectors in a row
#ifdef VECTOR
    uint d;
#endif
} p;

void main() {
    const uint i = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    if (i >= p.stride) return;
    const uint to = rows[n].cell * p.stride + i;
    const float ema = rows[n].ema;
#ifdef VECTOR
    if (ema == 1.0) return;
    vec4 v = vec4(0.0);
    for (uint c = 0; c < 4 && i * 4 + c < p.d; c++) v[c] = x[i * 4 + c];
    embeds[to] = v;
#else
    const vec4 v = x[n * p.stride + i];
    embeds[to] = ema == 0.0 ? v : ema < 0.0 ? (1.0 + ema) * v : (1.0 - ema) * v + ema * embeds[to];
#endif
}
