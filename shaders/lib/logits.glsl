// A row's logits, four at a time.
#include "lib/aliased.glsl"
layout(constant_id = 1) const bool WHOLE = true; // rows begin at a multiple of 16 bytes
ALIASED layout(set = 0, binding = 0) readonly buffer L { float logits[]; };   // [n][stride]
ALIASED layout(set = 0, binding = 0) readonly buffer L4 { vec4 logits4[]; };
const float LEAST = -3.402823466e38;
#define NOTHING uintBitsToFloat(0xff800000u) // negative infinity

// The logits of the tokens from t on, up to last; beyond it NOTHING. The row begins at l0, and t is a multiple of 4.
vec4 four(uint l0, uint t, uint last) {
    vec4 v;
    if (WHOLE) v = logits4[(l0 + t) / 4];
    else for (uint j = 0; j < 4; j++) v[j] = logits[l0 + min(t + j, last - 1)];
    return mix(vec4(NOTHING), v, lessThan(uvec4(t, t + 1, t + 2, t + 3), uvec4(last)));
}
