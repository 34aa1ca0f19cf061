#version 450
// y[n][i] = wte[token of row n][i] * scale, for the tokens whose embedding row lies in this shard
#extension GL_GOOGLE_include_directive : require
#include "lib/weight.glsl"
#include "lib/row.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer W { uvec4 wte[]; };     // [rows][units]
layout(set = 0, binding = 1) readonly buffer R { Row rows[]; };      // [n]
layout(set = 0, binding = 2) writeonly buffer Y { vec4 y[]; };       // [n][units * XV]
layout(push_constant) uniform Push {
    uint row0;  // vocabulary id of the shard's first row
    uint count; // rows in the shard
    uint units; // 16-byte units in a row
    float scale;
} p;

void main() {
    const uint u = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    const uint token = rows[n].token;
    if (u >= p.units || token < p.row0 || token - p.row0 >= p.count) return;
    const uvec4 packed = wte[(token - p.row0) * p.units + u];
    vec4 w[XV];
    UNPACK(packed, w);
    for (uint v = 0; v < XV; v++) y[(n * p.units + u) * XV + v] = w[v] * p.scale;
}
