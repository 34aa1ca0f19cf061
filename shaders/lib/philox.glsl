// Philox4x32-10 (Salmon et al., 2011): a counter-based generator, so that a value depends on its key and
// counter alone, whatever is computed beside it.
uvec4 philox(uvec2 key, uvec4 c) {
    for (uint i = 0; i < 10; i++) {
        uint hi0, lo0, hi1, lo1;
        umulExtended(0xD2511F53u, c.x, hi0, lo0);
        umulExtended(0xCD9E8D57u, c.z, hi1, lo1);
        c = uvec4(hi1 ^ c.y ^ key.x, lo1, hi0 ^ c.w ^ key.y, lo0);
        key += uvec2(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}
// Uniform in (0, 1), on the midpoints of 2^23 equal steps: exact in float32.
float uniform01(uint word) { return (float(word >> 9) + 0.5) * (1.0 / 8388608.0); }
