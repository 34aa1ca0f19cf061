#version 450
// state[cell of row n]: given by the caller, taken over from another row, or drawn: normal values cut at 3 standard deviations,
// times the row's scale, keyed by the row's sequence key and position, so that a token starts from the same state
// however it is scheduled. A share of another such draw may be mixed in.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "lib/normal.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer R { Row rows[]; };     // [n]
layout(set = 0, binding = 1) readonly buffer G { float given[]; };  // [n][stride]
layout(set = 0, binding = 2) readonly buffer C { float carry[]; };  // [..][stride]
layout(set = 0, binding = 3) buffer S { float state[]; };           // [cell][stride]
layout(set = 0, binding = 4) writeonly buffer O { float older[]; }; // [cell][stride] what it was before the mixing, when p.keep
layout(push_constant) uniform Push { uint d, stride, keep, only; } p; // only: 1: rows that start from a cell; 2: the others; 0: all

void main() {
    const uint quad = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    if (quad * 4 >= p.d) return;
    const Row row = rows[n];
    if (p.only != 0 && (row.start >= START_FROM && (row.start - START_FROM) % 2 == 1) != (p.only == 1)) return;
    const uint to = row.cell * p.stride + quad * 4, from = (row.start - START_FROM) / 2 * p.stride + quad * 4;
    const uvec2 key = uvec2(row.key_lo, row.key_hi);
    const uvec4 words = philox(key, uvec4(row.pos, quad, KIND_INITIAL, 0)), mixed = philox(key, uvec4(row.pos, quad, KIND_MIXED, row.draw >> 3));
    for (uint c = 0; c < 4 && quad * 4 + c < p.d; c++) {
        float v;
        if (row.start == START_DRAWN) v = cut_normal(words[c]) * row.scale;
        else if (row.start == START_GIVEN) v = given[n * p.stride + quad * 4 + c];
        else if (row.start == START_OWN) v = state[to + c];
        else if ((row.start - START_FROM) % 2 == 0) v = carry[from + c];
        else v = state[from + c];
        if (p.keep != 0) older[to + c] = v;
        state[to + c] = row.mix == 0.0 ? v : (1.0 - row.mix) * v + row.mix * cut_normal(mixed[c]) * row.scale;
    }
}
