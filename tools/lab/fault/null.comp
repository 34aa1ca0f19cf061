#version 460
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 64) in;
layout(buffer_reference, std430) readonly buffer Inner { uint first, value[]; };
layout(set = 0, binding = 0, std430) buffer Outer { uint n, pad; Inner inner; uint result[]; };
void main() {
    for (uint i = gl_LocalInvocationIndex; i < n; i += 64) // n is 0: no invocation enters
        result[i] = inner.value[0];
}
