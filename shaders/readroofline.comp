#version 450
// y[i] = sum of the words that invocation i reads, modulo 2^32. Neighbours read neighbouring vectors, four at a time are
// under way, and nothing else is done: what takes the time is reading.
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0, local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer X { uvec4 x[]; };  // [workgroup][each][lane]
layout(set = 0, binding = 1) writeonly buffer Y { uint y[]; };  // [invocations]
layout(push_constant) uniform Push { uint each; } p;            // vectors for each invocation, a multiple of 4

void main() {
    const uint lanes = gl_WorkGroupSize.x;
    uint at = gl_WorkGroupID.x * p.each * lanes + gl_LocalInvocationIndex;
    uvec4 sum[4] = uvec4[4](uvec4(0), uvec4(0), uvec4(0), uvec4(0));
    for (uint i = 0; i < p.each; i += 4) {
        [[unroll]] for (uint k = 0; k < 4; k++) sum[k] += x[at + k * lanes];
        at += 4 * lanes;
    }
    const uvec4 all = sum[0] + sum[1] + sum[2] + sum[3];
    y[gl_GlobalInvocationID.x] = all.x + all.y + all.z + all.w;
}
