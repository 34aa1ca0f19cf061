// The size of a subgroup and how many a workgroup has, where a workgroup is meant to be one. A driver may compile for another
// size than it reports.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x_id = 0) in;
layout(binding = 0) writeonly buffer Y { uint size, subgroups, lanes; } y;
void main() {
	uint n = subgroupAdd(1u);
	if (gl_LocalInvocationIndex == 0) {
		y.size = gl_SubgroupSize;
		y.subgroups = gl_NumSubgroups;
		y.lanes = n;
	}
}
