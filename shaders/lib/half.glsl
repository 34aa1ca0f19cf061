// Half-precision numbers. What a driver makes of subnormal ones, and how it rounds to halves, is its own choice. Weights and
// scales are stored times a power of two that leaves no subnormals (shaders/format, LiftHalves); what a kernel writes is
// rounded by integers.
#ifdef FLUSH_HALVES // for tests: a driver that reads subnormal halves as zero
vec2 half_pair(uint two) {
    return unpackHalf2x16(two & (((two & 0x7c00u) != 0 ? 0xffffu : 0x8000u) | ((two & 0x7c000000u) != 0 ? 0xffff0000u : 0x80000000u)));
}
#else
vec2 half_pair(uint two) { return unpackHalf2x16(two); }
#endif

const float LEAST_HALF = 6.103515625e-5; // normal one
const float HALF_STEP = 16777216.0;      // subnormal ones in 1

// The half next to v, of a size up to 65504; ties to even.
float round_half(float v) {
    if (abs(v) < LEAST_HALF) return roundEven(v * HALF_STEP) / HALF_STEP;
    const uint b = floatBitsToUint(v);
    return uintBitsToFloat(b + 0xfffu + (b >> 13 & 1u) & ~0x1fffu);
}

// A half's bits. Of a number that is none, the bits below are cut off.
uint half_bits(float v) {
    const uint b = floatBitsToUint(v), sign = b >> 16 & 0x8000u;
    return sign | (abs(v) < LEAST_HALF ? uint(abs(v) * HALF_STEP) : ((b & 0x7fffffffu) - 0x38000000u) >> 13);
}

#ifdef UNROUNDED_HALVES // for tests
#define round_half(v) (v)
#endif
uint pack_halves(vec2 v) { return half_bits(round_half(v.x)) | half_bits(round_half(v.y)) << 16; }
