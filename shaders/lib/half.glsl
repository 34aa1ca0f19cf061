// Half-precision numbers. What a driver makes of subnormal ones, and how it rounds to them, is its own choice, so weights and
// scales are stored times a power of two that leaves no subnormals (shaders.LiftHalves).
#ifdef FLUSH_HALVES // for tests: a driver that reads subnormal halves as zero
vec2 half_pair(uint two) {
    return unpackHalf2x16(two & (((two & 0x7c00u) != 0 ? 0xffffu : 0x8000u) | ((two & 0x7c000000u) != 0 ? 0xffff0000u : 0x80000000u)));
}
#else
vec2 half_pair(uint two) { return unpackHalf2x16(two); }
#endif
