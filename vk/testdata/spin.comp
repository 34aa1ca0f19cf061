// x[i] grows by 1 as many times as rounds says, slowly.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform P { uint rounds; };
layout(binding = 0) buffer X { uint x[]; };
void main() {
	uint i = gl_GlobalInvocationID.x;
	for (uint k = 0; k < rounds; k++) x[i] += 1u;
}
