// Quantizes what was just written, block by block: see quantized.glsl for what comes of it. The including kernel defines
// NORM_Y4(vec4 index) and QUANT(word index).
//
// The integers are the same on every device, whatever its division rounds to: the scale is the block's largest size times
// the float32 next to 1/127, cut to 15 significant bits, so that 2 q + 1 halves of it are exact; q = |x| / scale, ties away
// from zero, is first estimated and then put right by comparing with the halves. A block whose sizes are all below 2^-100
// is zeros with a scale of zero.
#ifdef WIDE // vector v of block b of the row that begins at float i0, a lane each: a GPU waits less for that than for whole blocks
void quantize_block(uint i0, uint stride, uint b, uint v) {
#else
void quantize_block(uint i0, uint stride, uint b) { // block b of that row
#endif
    const uint from = i0 / 4 + b * 8, to = i0 / 64 * 20;
    vec4 top4 = vec4(0);
    for (uint v = 0; v < 8; v++) top4 = max(top4, abs(NORM_Y4(from + v)));
    const float top = max(max(top4.x, top4.y), max(top4.z, top4.w));
    const bool none = top < uintBitsToFloat(0x0d800000u); // 2^-100
    const float scale = none ? 0.0 : uintBitsToFloat(floatBitsToUint(top * (1.0 / 127.0)) & 0xfffffe00u);
    const float inverse = none ? 0.0 : 127.0 / top, step = none ? 1.0 : scale;
#ifndef WIDE
    for (uint v = 0; v < 8; v++)
#endif
    {
        const vec4 x = NORM_Y4(from + v), size = abs(x);
        vec4 q = floor(fma(size, vec4(inverse), vec4(0.5)));
        q += vec4(greaterThanEqual(size, (q + 0.5) * step)) - vec4(lessThan(size, (q - 0.5) * step));
        const ivec4 n = ivec4(q * sign(x)) & 255;
        QUANT(to + b * 8 + v) = uint(n.x | n.y << 8 | n.z << 16 | n.w << 24);
    }
#ifdef WIDE
    if (v == 0)
#endif
    QUANT(to + stride / 4 + b) = floatBitsToUint(scale);
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
void quantize(uint i0, uint stride) { // the row from float i0 on, which this workgroup has written
    memoryBarrierBuffer();
    barrier();
#ifdef WIDE
    for (uint i = gl_LocalInvocationIndex; i < stride / 4; i += LS) quantize_block(i0, stride, i / 8, i % 8);
#else
    for (uint b = gl_LocalInvocationIndex; b < stride / 32; b += LS) quantize_block(i0, stride, b);
#endif
}
#endif
