#version 450
// y[i] = sum over 32 chains a -> a * 0.9991 + 0.0001 of so many steps, which start at different values so that no compiler
// makes one of two. They are independent, so that no step waits for another, and stay between 0 and the lane, so that no value is special.
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0, local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Y { float y[]; }; // [invocations]
layout(push_constant) uniform Push { uint steps; } p;

void main() {
    const vec4 scale = vec4(0.9991), offset = vec4(0.0001);
    vec4 a[8];
    [[unroll]] for (uint k = 0; k < 8; k++) a[k] = vec4(0.0, 0.25, 0.5, 0.75) + float(k + gl_LocalInvocationIndex);
    for (uint i = 0; i < p.steps; i++)
        [[unroll]] for (uint k = 0; k < 8; k++) a[k] = fma(a[k], scale, offset);
    vec4 sum = vec4(0);
    [[unroll]] for (uint k = 0; k < 8; k++) sum += a[k];
    y[gl_GlobalInvocationID.x] = sum.x + sum.y + sum.z + sum.w;
}
