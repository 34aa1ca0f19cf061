// Sums what texel buffers give at an index: four words and one of x, four numbers and one of f.
#version 450
layout(local_size_x = 64) in;
layout(push_constant) uniform P { uint n; };
layout(binding = 0) uniform utextureBuffer x4;
layout(binding = 16) uniform utextureBuffer x;
layout(binding = 1) uniform textureBuffer f4;
layout(binding = 17) uniform textureBuffer f;
layout(binding = 2) writeonly buffer Y { vec4 y[]; };
void main() {
	const uint i = gl_GlobalInvocationID.x;
	if (i < n) y[i] = vec4(texelFetch(x4, int(i))) + float(texelFetch(x, int(i)).x) + texelFetch(f4, int(i)) + texelFetch(f, int(i)).x;
}
