// Weight formats. A weight row is read in units of 16 bytes (uvec4); unit u holds the weights
// k = u*UNIT .. u*UNIT+UNIT-1, of which `unpack` gives float vector v. Rows are padded with zeros to a whole
// number of units, so no kernel has a tail in k.
//
// The block formats have a second plane behind the rows, p.scales words into the shard: a half-precision scale for each
// block of 32 weights, two in a word. Units of 64 weights, with both scales of a word, load less and were still 10 to 15 %
// slower on lavapipe; scaling sums of blocks instead of weights gains 8 % at one row and loses at several.
#if defined(W_F32)
#define UNIT 4
#elif defined(W_F16) || defined(W_BF16)
#define UNIT 8
#elif defined(W_Q8_0)
#define UNIT 16
#define BLOCKS
#elif defined(W_Q4_0)
#define UNIT 32
#define BLOCKS
#endif
#define XV (UNIT / 4) // float vectors in a unit
#if defined(W_F16) || defined(BLOCKS) || defined(W_BF16) && defined(COOP)
#define LIFTED // halves in it are 2^lift of what they stand for
#endif
#include "input.glsl"
#include "half.glsl"

struct Packed {
    uvec4 q;
#ifdef BLOCKS
    float d; // the scale of the unit's block
#endif
};

vec4 unpack(Packed w, uint v) {
#if defined(W_F32)
    return uintBitsToFloat(w.q);
#elif defined(W_F16)
    return v == 0 ? vec4(half_pair(w.q.x), half_pair(w.q.y)) : vec4(half_pair(w.q.z), half_pair(w.q.w));
#elif defined(W_BF16)
    // A bfloat16 is the upper half of a float32; the even element sits in the low 16 bits.
    const uvec2 pair = v == 0 ? w.q.xy : w.q.zw;
    return uintBitsToFloat(uvec4(pair.x << 16, pair.x & 0xffff0000u, pair.y << 16, pair.y & 0xffff0000u));
#elif defined(W_Q8_0)
    const int four = int(w.q[v]);
    return vec4(ivec4(four << 24, four << 16, four << 8, four) >> 24) * w.d;
#elif defined(W_Q4_0)
    // Byte j of a block holds weight j in its low half and weight j + 16 in its high half, each 8 too large.
    const uint four = w.q[v % 4] >> (v / 4 * 4);
    return (vec4(four & 15, four >> 8 & 15, four >> 16 & 15, four >> 24 & 15) - 8.0) * w.d;
#endif
}

// unpack(w, v) without the scale of a block, exactly, and by powers of two too large, which LOWERING(v) of x takes back: bits in the mantissa
// of 2^23 are a number, less what a weight of zero comes to. GPUs do as many of such operations as of any others; of conversions from
// integers a fourth or an eighth.
#if defined(W_Q8_0)
#define ZERO(v) vec4(8388736, 8421376, 8388736, 8421376)
#define LOWERING(v) vec4(1, 0.00390625, 1, 0.00390625)
#elif defined(W_Q4_0)
#define ZERO(v) ((v) < 4 ? vec4(8388616, 8390656, 8388616, 8390656) : vec4(8388736, 8421376, 8388736, 8421376))
#define LOWERING(v) ((v) < 4 ? vec4(1, 0.00390625, 1, 0.00390625) : vec4(0.0625, 0.000244140625, 0.0625, 0.000244140625))
#else
#define LOWERING(v) 1.0
#endif
vec4 unpack_raised(Packed w, uint v) {
#ifdef BLOCKS
#if defined(W_Q8_0)
    const uint low = w.q[v] ^ 0x80808080u, high = low >> 16, mask = 0xff;
#else
    const uint low = w.q[v % 4], high = low >> 16, mask = v < 4 ? 0xf : 0xf0;
#endif
    return uintBitsToFloat(uvec4(low & mask, low & mask << 8, high & mask, high & mask << 8) | 0x4b000000u) - ZERO(v);
#else
    return unpack(w, v);
#endif
}
