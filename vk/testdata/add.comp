// y[i] = a[i] + scale * b[i] for i below n.
#version 450
layout(local_size_x_id = 0) in;
layout(push_constant) uniform P { uint n; float scale; };
layout(binding = 0) readonly buffer A { float a[]; };
layout(binding = 1) readonly buffer B { float b[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
void main() {
	uint i = gl_GlobalInvocationID.x;
	if (i < n) y[i] = a[i] + scale * b[i];
}
