#version 450
// y[i] = number of workgroups: what it writes depends on the size of the grid
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) writeonly buffer Y { uint y[]; };
layout(push_constant) uniform Push { uint n; } p;

void main() {
    const uint i = gl_GlobalInvocationID.x;
    if (i < p.n) y[i] = gl_NumWorkGroups.x;
}
