#version 450
// y[n] = x[n] in half precision, times the power of two that brings its largest value below 2^15; a workgroup for each row. CELLS: the
// rows are those of cells, state and embeds side by side, as the adapter reads them.
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#include "lib/half.glsl"
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };    // [n][stride]
layout(set = 0, binding = 1) writeonly buffer H { uvec2 y[]; };  // [n] rows of lib/coop.glsl: vectors of four halves, then the scale
#ifdef CELLS
#include "lib/row.glsl"
layout(set = 0, binding = 2) readonly buffer R { Row rows[]; };  // [n]
#endif
layout(push_constant) uniform Push {
    uint stride; // float vectors in a row of x
    uint width;  // vectors in a row of y
    uint embeds; // adapter: float vectors from the state of a row to its embeds
} p;
shared uint part[LS];

vec4 value(uint v) {
#ifdef CELLS
    return x[rows[gl_WorkGroupID.x].cell * p.stride + v + uint(v >= p.stride) * (p.embeds - p.stride)];
#else
    return x[gl_WorkGroupID.x * p.stride + v];
#endif
}

// What is no number, or infinite, is infinite.
uint halves(vec2 v) {
    const uvec2 h = uvec2(half_bits(round_half(v.x)), half_bits(round_half(v.y)));
    const bvec2 finite = lessThan(abs(v), vec2(65520.0));
    return (finite.x ? h.x : 0x7c00u) | (finite.y ? h.y : 0x7c00u) << 16;
}

void main() {
    const uint lane = gl_LocalInvocationIndex;
    uint most = 0; // bits of sizes compare as sizes do
    for (uint v = lane; v < p.width; v += LS) {
        const uvec4 b = floatBitsToUint(value(v)) & 0x7fffffffu;
        most = max(most, max(max(b.x, b.y), max(b.z, b.w)));
    }
    most = subgroupMax(most);
    if (gl_SubgroupInvocationID == 0) part[gl_SubgroupID] = most;
    barrier();
    for (uint i = 0; i < gl_NumSubgroups; i++) most = max(most, part[i]);
    // 2^up brings the largest exponent to 14.
    const int up = clamp(14 + 127 - int(most >> 23), -126, 126);
    const float scale = uintBitsToFloat(uint(127 + up) << 23);
    const uint row = gl_WorkGroupID.x * (p.width + 2);
    for (uint v = lane; v < p.width; v += LS) {
        const vec4 four = value(v) * scale;
        y[row + v] = uvec2(halves(four.xy), halves(four.zw));
    }
    if (lane == 0) y[row + p.width] = uvec2(uint(127 - up) << 23, 0);
}
