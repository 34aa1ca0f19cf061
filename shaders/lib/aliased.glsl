// Marks each of several variables at one binding: without it, a compiler may take them for memory that does not overlap.
#extension GL_EXT_spirv_intrinsics : require
#define ALIASED spirv_decorate(20)
