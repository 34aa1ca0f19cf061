#version 450
// state[slot of row n]: given by the caller, carried from the token before, or drawn: normal values cut at 3 standard deviations,
// times the row's scale, keyed by the row's sequence key and position, so that a token starts from the same state
// however it is scheduled.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "lib/philox.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer R { Row rows[]; };     // [n]
layout(set = 0, binding = 1) readonly buffer G { float given[]; };  // [n][stride]
layout(set = 0, binding = 2) readonly buffer C { float carry[]; };  // [..][stride]
layout(set = 0, binding = 3) buffer S { float state[]; };           // [slot][stride]
layout(set = 0, binding = 4) writeonly buffer O { float older[]; }; // [slot][stride] the state that the first check looks back to
layout(push_constant) uniform Push { uint d, stride; } p;

// Inverse of the error function in float32 after Giles, "Approximating the erfinv function" (2010).
float erfinv(float x) {
    float w = -log((1.0 - x) * (1.0 + x));
    float r;
    if (w < 5.0) {
        w -= 2.5;
        r = 2.81022636e-08;
        r = 3.43273939e-07 + r * w;
        r = -3.5233877e-06 + r * w;
        r = -4.39150654e-06 + r * w;
        r = 0.00021858087 + r * w;
        r = -0.00125372503 + r * w;
        r = -0.00417768164 + r * w;
        r = 0.246640727 + r * w;
        r = 1.50140941 + r * w;
    } else {
        w = sqrt(w) - 3.0;
        r = -0.000200214257;
        r = 0.000100950558 + r * w;
        r = 0.00134934322 + r * w;
        r = -0.00367342844 + r * w;
        r = 0.00573950773 + r * w;
        r = -0.0076224613 + r * w;
        r = 0.00943887047 + r * w;
        r = 1.00167406 + r * w;
        r = 2.83297682 + r * w;
    }
    return r * x;
}

const float WITHIN_3 = 0.9973002039; // share of a normal distribution within 3 standard deviations

void main() {
    const uint quad = gl_GlobalInvocationID.x, n = gl_WorkGroupID.y;
    if (quad * 4 >= p.d) return;
    const Row row = rows[n];
    const uint to = row.slot * p.stride + quad * 4, from = (row.start - START_FROM) / 2 * p.stride + quad * 4;
    const uvec4 words = philox(uvec2(row.key_lo, row.key_hi), uvec4(row.pos, quad, 0, 0));
    for (uint c = 0; c < 4 && quad * 4 + c < p.d; c++) {
        float v;
        if (row.start == START_DRAWN) v = 1.41421356 * erfinv((2.0 * uniform01(words[c]) - 1.0) * WITHIN_3) * row.scale;
        else if (row.start == START_GIVEN) v = given[n * p.stride + quad * 4 + c];
        else if (row.start == START_OWN) v = state[to + c];
        else if ((row.start - START_FROM) % 2 == 0) v = carry[from + c];
        else v = state[from + c];
        state[to + c] = v;
        older[to + c] = v;
    }
}
