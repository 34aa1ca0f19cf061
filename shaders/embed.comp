#version 450
// y[n][i] = wte[token of row n][i] * scale, for the tokens whose embedding row lies in this shard
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "lib/weight.glsl"
#include "lib/row.glsl"
layout(local_size_x = 64) in;
UVEC4_INPUT(0, W, wte);                                              // [rows][units]
#ifdef BLOCKS
UINT_INPUT(0, WS, wte_scales);
#endif
layout(set = 0, binding = 1) readonly buffer R { Row rows[]; };      // [n]
layout(set = 0, binding = 2) writeonly buffer Y { vec4 y[]; };       // [n][stride], padding included
layout(push_constant) uniform Push {
    uint row0;   // vocabulary id of the shard's first row
    uint count;  // rows in the shard
    uint units;  // units in a row
    uint scales; // words before the scales in the shard
    uint stride; // float vectors in a row of y
    float scale;
} p;
#include "lib/packed.glsl"

void main() {
    const uint i = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    const uint token = rows[n].token;
    if (i >= p.stride || token < p.row0 || token - p.row0 >= p.count) return;
    const uint u = i / XV;
    vec4 w = vec4(0);
    if (u < p.units) {
        Packed packed;
        PACKED(packed, wte, wte_scales, token - p.row0, u);
        w = unpack(packed, i % XV);
    }
    y[n * p.stride + i] = w * p.scale;
}
