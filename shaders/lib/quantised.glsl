// Rows quantised to 8 bits, and their products with blocks of weights by packed 4x8 dot. A quantised row of s floats, s a
// multiple of 64, is 5 s / 64 uvec4: s int8, four in a word, then the float32 scale of each block of 32, then room unused.
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int signed_dot(uint a, uint b, spirv_literal int packed_4x8); // OpSDot

int dot16(uvec4 a, uvec4 b) {
    return signed_dot(a.x, b.x, 0) + signed_dot(a.y, b.y, 0) + signed_dot(a.z, b.z, 0) + signed_dot(a.w, b.w, 0);
}

// What a row of x has for a unit of weights.
struct Quantised {
    uvec4 q[UNIT / 16];
    float d; // the scale that the integers of a product take beside the weights'
};

#if defined(W_Q8_0)
int unit_dot(uvec4 w, uvec4 x[1]) { return dot16(w, x[0]); }
#define INTEGER_SCALE 1.0
#elif defined(W_Q4_0)
// A half of 4 bits, moved to the upper half of its byte and with the sign flipped, is 16 times the weight.
int unit_dot(uvec4 w, uvec4 x[2]) {
    return dot16((w << 4 & 0xf0f0f0f0u) ^ 0x80808080u, x[0]) + dot16((w & 0xf0f0f0f0u) ^ 0x80808080u, x[1]);
}
#define INTEGER_SCALE (1.0 / 16.0)
#endif

#define QUANTISED(into, words, scales, t, unit)                                                                    \
    {                                                                                                              \
        [[unroll]] for (uint i = 0; i < UNIT / 16; i++) into.q[i] = words[(t) * p.x_stride + (unit) * (UNIT / 16) + i]; \
        into.d = scales[((t) * p.x_stride + p.units * (UNIT / 16)) * 4 + (unit) * UNIT / 32] * INTEGER_SCALE;     \
    }
