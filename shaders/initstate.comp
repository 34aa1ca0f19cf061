#version 450
// state[n]: given by the caller, carried from the token before, or drawn: normal values cut at 3 standard deviations,
// times the row's scale, keyed by the row's sequence key and position, so that a token starts from the same state
// however it is scheduled.
#extension GL_GOOGLE_include_directive : require
#include "lib/row.glsl"
#include "lib/philox.glsl"
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer R { Row rows[]; };     // [n]
layout(set = 0, binding = 1) readonly buffer G { float given[]; };  // [n][stride]
layout(set = 0, binding = 2) readonly buffer C { float carry[]; };  // [..][stride]
layout(set = 0, binding = 3) writeonly buffer S { float state[]; }; // [n][stride]
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
    if (row.start != START_DRAWN) {
        for (uint i = quad * 4; i < min(quad * 4 + 4, p.d); i++)
            state[n * p.stride + i] = row.start == START_GIVEN ? given[n * p.stride + i] : carry[(row.start - START_CARRIED) * p.stride + i];
        return;
    }
    const uvec4 words = philox(uvec2(row.key_lo, row.key_hi), uvec4(row.pos, quad, 0, 0));
    for (uint c = 0; c < 4 && quad * 4 + c < p.d; c++) {
        const float u = uniform01(words[c]);
        state[n * p.stride + quad * 4 + c] = 1.41421356 * erfinv((2.0 * u - 1.0) * WITHIN_3) * row.scale;
    }
}
