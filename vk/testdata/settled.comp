// Counts an iteration, and zeroes both triples of indirect counts once every x is within tolerance of 2.
#version 450
layout(local_size_x = 1) in;
layout(push_constant) uniform P { uint n; float tolerance; };
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) writeonly buffer Work { uint work[3]; };
layout(binding = 2) writeonly buffer Check { uint check[3]; };
layout(binding = 3) buffer Count { uint iterations; };
void main() {
	iterations++;
	for (uint i = 0; i < n; i++)
		if (abs(x[i] - 2.0) > tolerance) return;
	for (uint k = 0; k < 3; k++) {
		work[k] = 0;
		check[k] = 0;
	}
}
