// Quantizes what was just written, block by block: see quantized.glsl for what comes of it. The including kernel defines
// NORM_Y4(vec4 index) and QUANT(word index).
//
// The integers are the same on every device, whatever its division rounds to: the scale is the block's largest size times
// the float32 next to 1/127, cut to 15 significant bits, so that 2 q + 1 halves of it are exact; q = |x| / scale, ties away
// from zero, is first estimated, always a little too small, and then put right by comparing with the halves. A block whose sizes are
// all below 2^-100 is zeros with a scale of zero.
float largest(vec4 size) { return max(max(size.x, size.y), max(size.z, size.w)); }
bool is_zeros(float top) { return top < uintBitsToFloat(0x0d800000u); } // 2^-100
float quantize_scale(float top) { return is_zeros(top) ? 1.0 : uintBitsToFloat(floatBitsToUint(top * (1.0 / 127.0)) & 0xfffffe00u); }
uint scale_bits(float scale, float top) { return is_zeros(top) ? 0 : floatBitsToUint(scale); }

// Four values as bytes of a word. A float of 1.5 x 2^23 and an integer has that in its lowest bits.
uint quantized(vec4 x, float scale) {
    precise const vec4 sum = fma(x, vec4(0.999996 / scale), vec4(12582912.0));
    precise const vec4 q = abs(sum - 12582912.0);
    const bvec4 more = greaterThanEqual(abs(x), fma(q, vec4(scale), vec4(0.5 * scale)));
    const ivec4 n = floatBitsToInt(sum) + mix(ivec4(0), floatBitsToInt(x) >> 31 | 1, more) & 255;
    return uint(n.x | n.y << 8 | n.z << 16 | n.w << 24);
}

#ifdef WIDE // vector v of block b of the row that begins at float i0, a lane each: a GPU waits less for that than for whole blocks
void quantize_block(uint i0, uint stride, uint b, uint v) {
#else
void quantize_block(uint i0, uint stride, uint b) { // block b of that row
#endif
    const uint from = i0 / 4 + b * 8, to = i0 / 64 * 20;
    vec4 top4 = vec4(0);
    for (uint v = 0; v < 8; v++) top4 = max(top4, abs(NORM_Y4(from + v)));
    const float top = largest(top4), scale = quantize_scale(top);
#ifndef WIDE
    for (uint v = 0; v < 8; v++)
#endif
        QUANT(to + b * 8 + v) = quantized(NORM_Y4(from + v), scale);
#ifdef WIDE
    if (v == 0)
#endif
    QUANT(to + stride / 4 + b) = scale_bits(scale, top);
}
#ifdef LAST_QUANTIZES
// Tells that this workgroup has written columns c0 to c1 of `rows` rows of y from t0 on. Whoever completes a block of them, quantizes
// it; how much of a block is there is counted in the room behind the first row's scales, which is zero before and after.
void quantize_complete(uint t0, uint rows, uint stride, uint c0, uint c1, uint d) {
    for (uint b = c0 / 32; b * 32 < c1; b++) {
        const uint begin = b * 32, mine = min(c1, begin + 32) - max(c0, begin);
        if (last_to_arrive(t0 * stride / 64 * 20 + stride / 32 * 9 + b, mine, min(32, d - begin)))
#ifdef WIDE
            for (uint t = gl_LocalInvocationIndex; t < rows * 8; t += LS) quantize_block((t0 + t / 8) * stride, stride, b, t % 8);
#else
            for (uint t = gl_LocalInvocationIndex; t < rows; t += LS) quantize_block((t0 + t) * stride, stride, b);
#endif
    }
}
#elif defined(LS)
#ifdef WIDE
shared float quantize_top[KEEPS * LS]; // of each V of the row
void quantize_kept(uint i0, uint stride) {
    OF_ROW(k, i, stride) quantize_top[i] = largest(abs(kept_x[k]));
    barrier();
    const uint to = i0 / 64 * 20;
    OF_ROW(k, i, stride) if (IN_ROW(i, stride)) {
        float top = 0.0;
        [[unroll]] for (uint v = 0; v < 8; v++) top = max(top, quantize_top[i / 8 * 8 + v]);
        const float scale = quantize_scale(top);
        QUANT(to + i) = quantized(kept_x[k], scale);
        if (i % 8 == 0) QUANT(to + stride / 4 + i / 8) = scale_bits(scale, top);
    }
}
#endif
void quantize(uint i0, uint stride) { // the row from float i0 on, which this workgroup has written; kept_x if it is kept
#ifdef WIDE
    if (KEPT > 0) {
        quantize_kept(i0, stride);
        return;
    }
#endif
    memoryBarrierBuffer();
    barrier();
#ifdef WIDE
    for (uint i = gl_LocalInvocationIndex; i < stride / 4; i += LS) quantize_block(i0, stride, i / 8, i % 8);
#else
    for (uint b = gl_LocalInvocationIndex; b < stride / 32; b += LS) quantize_block(i0, stride, b);
#endif
}
#endif
