// A push constant block of numbers, for the reader of interfaces; nothing is computed that matters.
#version 450
layout(local_size_x_id = 1, local_size_y = 2, local_size_z_id = 3) in;
layout(constant_id = 0) const uint terms = 3;
layout(push_constant) uniform P { uint at_y; layout(offset = 8) float v; int list; };
layout(set = 0, binding = 1) buffer Mixed { uint count; readonly uint kept; float data[]; };
layout(set = 0, binding = 3) readonly writeonly buffer Lengths { float none[]; };
void main() {
	float sum = v + float(at_y) + float(list);
	for (uint i = 0; i < terms; i++) sum += data[i];
	data[gl_GlobalInvocationID.x] = sum + float(kept) + float(none.length());
	count = terms;
}
