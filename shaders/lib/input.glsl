// What a kernel only reads, four words or one at an index: a storage buffer, or with TEXEL a texel buffer. lavapipe reads
// a storage buffer lane by lane and a texel buffer by vector instructions, more than twice as fast. A texel buffer of single
// words at binding 16 + b is a second view of the one at b, as package vk binds it.
#include "aliased.glsl"
#ifdef TEXEL
#define UVEC4_INPUT(at, block, name) layout(set = 0, binding = at) uniform utextureBuffer name
#define VEC4_INPUT(at, block, name) layout(set = 0, binding = at) uniform textureBuffer name
#define UINT_INPUT(at, block, name) layout(set = 0, binding = 16 + at) uniform utextureBuffer name
#define FLOAT_INPUT(at, block, name) layout(set = 0, binding = 16 + at) uniform textureBuffer name
#define FOUR(name, i) texelFetch(name, int(i))
#define ONE(name, i) texelFetch(name, int(i)).x
#else
#define UVEC4_INPUT(at, block, name) ALIASED layout(set = 0, binding = at) readonly buffer block { uvec4 name[]; }
#define VEC4_INPUT(at, block, name) ALIASED layout(set = 0, binding = at) readonly buffer block { vec4 name[]; }
#define UINT_INPUT(at, block, name) ALIASED layout(set = 0, binding = at) readonly buffer block { uint name[]; }
#define FLOAT_INPUT(at, block, name) ALIASED layout(set = 0, binding = at) readonly buffer block { float name[]; }
#define FOUR(name, i) name[i]
#define ONE(name, i) name[i]
#endif
