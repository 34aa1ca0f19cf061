// Weight formats. A weight row is read in units of 16 bytes (uvec4); unit u holds the weights
// k = u*UNIT .. u*UNIT+UNIT-1, which UNPACK turns into UNIT/4 float vectors. Rows are padded with
// zeros to a whole number of units, so no kernel has a tail in k.
#if defined(W_F32)
#define UNIT 4
#define UNPACK(raw, v) v[0] = uintBitsToFloat(raw)
#elif defined(W_F16)
#define UNIT 8
#define UNPACK(raw, v) \
    v[0] = vec4(unpackHalf2x16(raw.x), unpackHalf2x16(raw.y)); \
    v[1] = vec4(unpackHalf2x16(raw.z), unpackHalf2x16(raw.w))
#elif defined(W_BF16)
#define UNIT 8
// A bfloat16 is the upper half of a float32; the even element sits in the low 16 bits.
#define BF(pair) uintBitsToFloat(uvec2((pair) << 16, (pair) & 0xffff0000u))
#define UNPACK(raw, v) v[0] = vec4(BF(raw.x), BF(raw.y)); v[1] = vec4(BF(raw.z), BF(raw.w))
#endif
#define XV (UNIT / 4) // float vectors in a unit
