// The number of invocations of every subgroup, written by its first invocation, summed with subgroup arithmetic.
#version 450
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_basic : require
layout(local_size_x = 128) in;
layout(binding = 0) writeonly buffer Y { uint y[]; };
void main() {
	uint n = subgroupAdd(1u);
	if (subgroupElect()) y[gl_WorkGroupID.x * gl_NumSubgroups + gl_SubgroupID] = n;
}
