#version 450
// y[to] = x[from] for each move: the rows whose logits are wanted, or whose states are kept
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer X { vec4 x[]; };      // [n][stride]
layout(set = 0, binding = 1) readonly buffer M { uvec2 moves[]; }; // [m] from, to
layout(set = 0, binding = 2) writeonly buffer Y { vec4 y[]; };     // [..][stride]
layout(push_constant) uniform Push { uint stride; } p;             // float vectors in a row

void main() {
    const uint i = gl_GlobalInvocationID.x, m = gl_WorkGroupID.y;
    if (i < p.stride) y[moves[m].y * p.stride + i] = x[moves[m].x * p.stride + i];
}
