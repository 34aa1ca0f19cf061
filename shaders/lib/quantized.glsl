// Int8 activations, and their matmul with blocks of weights by packed 4x8 dot. A quantized row of s floats, s a
// multiple of 64, is 5 s / 64 uvec4: s int8, four in a word, then the float32 scale of each block of 32, then room unused.
#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int signed_dot(uint a, uint b, spirv_literal int packed_4x8); // OpSDot
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4452)
int mixed_dot(uint a, uint b, spirv_literal int packed_4x8); // OpSUDot: b is unsigned

int dot16(uvec4 a, uvec4 b) {
    return signed_dot(a.x, b.x, 0) + signed_dot(a.y, b.y, 0) + signed_dot(a.z, b.z, 0) + signed_dot(a.w, b.w, 0);
}

// With weights that are `over` too large and unsigned; that often the sum of x is too much.
int mixed16(uvec4 x, uvec4 w, int over) {
    int sum = 0, all = 0;
    [[unroll]] for (uint i = 0; i < 4; i++) sum += mixed_dot(x[i], w[i], 0), all += mixed_dot(x[i], 0x01010101u, 0);
    return sum - over * all;
}

// What a row of x has for a unit of weights.
struct Quantized {
    uvec4 q[UNIT / 16];
    float d; // the scale that the integers of a product take beside the weights'
};

// How bytes are multiplied, shaders.Dot. By multiplications either format does better with drivers that take a dot product apart into
// bytes; some GPUs have only the dot product of signed and unsigned ones.
const uint DOT_APART = 0, DOT_SIGNED = 1, DOT_MIXED = 2;
#ifdef NR // SwiftShader runs branches that a constant closes: two of them took half as long again
const uint DOT = DOT_SIGNED;
#else
layout(constant_id = 3) const uint DOT = DOT_SIGNED;
#endif

#if defined(W_Q8_0)
ivec4 signed_bytes(uint x) { return ivec4(int(x << 24), int(x << 16), int(x << 8), int(x)) >> 24; }

// With weights of 0 to 255, 128 too large, one factor is zero above its lower half: LLVM multiplies such numbers with one
// instruction for 16 bits instead of two for 32.
int bytes_dot(uvec4 w, uvec4 x) {
    int sum = 0, all = 0;
    [[unroll]] for (uint i = 0; i < 4; i++) {
        const uint four = w[i] ^ 0x80808080u;
        const ivec4 b = signed_bytes(x[i]);
        sum += int(four & 255) * b.x + int(four >> 8 & 255) * b.y + int(four >> 16 & 255) * b.z + int(four >> 24) * b.w;
        all += b.x + b.y + b.z + b.w;
    }
    return sum - 128 * all;
}

int unit_dot(uvec4 w, uvec4 x[1]) {
    if (DOT == DOT_APART) return bytes_dot(w, x[0]);
    if (DOT == DOT_MIXED) return mixed16(x[0], w ^ 0x80808080u, 128);
    return dot16(w, x[0]);
}
#define INTEGER_SCALE 1.0
#elif defined(W_Q4_0)

// The bytes of x that stand first and second in each half of 16 bits, from 0 or 1 on, changed over: the upper half of
// (a + b << 16) * pair is a x_a + b x_b and what the lower half carries.
uint even_pair(uint x) { return uint((int(x << 8) >> 24) + (int(x << 24) >> 8)); }
uint odd_pair(uint x) { return uint((int(x) >> 24) + (int(x << 16) >> 8 & 0xffff0000)); }

// The sum of 8 weights of a word with x, in the upper half.
uint word_pairs(uint w, uint low, uint high) {
    return (w & 0x000f000fu) * even_pair(low) + (w >> 4 & 0x000f000fu) * even_pair(high) +
           (w >> 8 & 0x000f000fu) * odd_pair(low) + (w >> 12 & 0x000f000fu) * odd_pair(high);
}

// Two words fit: with weights of 0 to 15 and |x| of 127, 16 products stay below 2^15, and so do the 8 in the lower half.
int upper(uint sums) { return int(sums + 0x8000u) >> 16; }

// The weights are 8 too large: 8 times the sum of x is too much.
int pairs_dot(uvec4 w, uvec4 x[2]) {
    uint all = 0;
    [[unroll]] for (uint i = 0; i < 4; i++) all += even_pair(x[0][i]) + odd_pair(x[0][i]) + even_pair(x[1][i]) + odd_pair(x[1][i]);
    const int excess = 8 * (upper(all) + (int(all << 16) >> 16));
    return upper(word_pairs(w.x, x[0].x, x[1].x) + word_pairs(w.y, x[0].y, x[1].y)) +
           upper(word_pairs(w.z, x[0].z, x[1].z) + word_pairs(w.w, x[0].w, x[1].w)) - excess;
}

// By dot products a half of 4 bits, moved to the upper half of its byte and with the sign flipped, is 16 times the weight.
int unit_dot(uvec4 w, uvec4 x[2]) {
    if (DOT == DOT_APART) return pairs_dot(w, x);
    if (DOT == DOT_MIXED) return mixed16(x[0], w & 0x0f0f0f0fu, 8) + mixed16(x[1], w >> 4 & 0x0f0f0f0fu, 8);
    return dot16((w << 4 & 0xf0f0f0f0u) ^ 0x80808080u, x[0]) + dot16((w & 0xf0f0f0f0u) ^ 0x80808080u, x[1]);
}
#define INTEGER_SCALE (DOT == DOT_SIGNED ? 1.0 / 16.0 : 1.0)
#endif

#define QUANTIZED(into, words, scales, t, unit)                                                                    \
    {                                                                                                              \
        [[unroll]] for (uint i = 0; i < UNIT / 16; i++) into.q[i] = FOUR(words, (t) * p.x_stride + (unit) * (UNIT / 16) + i); \
        into.d = ONE(scales, ((t) * p.x_stride + p.units * (UNIT / 16)) * 4 + (unit) * UNIT / 32) * INTEGER_SCALE;     \
    }
