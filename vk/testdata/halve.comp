// One iteration of x <- x/2 + 1 on n floats, in place.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform P { uint n; };
layout(binding = 0) buffer X { float x[]; };
void main() {
	uint i = gl_GlobalInvocationID.x;
	if (i < n) x[i] = 0.5 * x[i] + 1.0;
}
