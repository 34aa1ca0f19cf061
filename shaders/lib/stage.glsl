// Keys or values on their way to shared memory: all loads of a round are under way before the first is put there. The kernel declares
// stage, address and, for q8, scale.
void put(uint at, uvec4 four) {
#if defined(KV_F32)
    stage[at] = four;
#elif defined(KV_F16)
    stage[at] = four.xy;
    stage[at + 1] = four.zw;
#else
    [[unroll]] for (uint x = 0; x < 4; x++) stage[at + x] = four[x];
#endif
}
#ifdef KV_Q8
#define SCALES (ABREAST * UNITS / 2 / LS) // of a lane
#define LOAD_SCALES(i0, n, u0, many) \
    uint two[SCALES]; \
    [[unroll]] for (uint j = 0; j < SCALES; j++) { \
        const uint i = j * LS + lane, b = i % ((many) / 2) * 2, at = i < n * ((many) / 2) && u0 + b < HU ? address[i0 + i / ((many) / 2)] : NONE; \
        two[j] = 0; \
        if (at != NONE) two[j] = scales[p.scales + (at + u0 + b) / 2]; \
    }
#define PUT_SCALES [[unroll]] for (uint j = 0; j < SCALES; j++) scale[j * LS + lane] = two[j];
#else
#define LOAD_SCALES(i0, n, u0, many)
#define PUT_SCALES
#endif
// Stages units u0 to u0 + many of the keys or values of n positions from the segment's i0 on, in rows of `stride` FOURs, and their scales.
#define BRING(from, i0, n, u0, many, stride) \
    { \
        LOAD_SCALES(i0, n, u0, many) \
        for (uint begin = lane; begin < n * (many); begin += DEEP * LS) { \
            uvec4 got[DEEP]; \
            [[unroll]] for (uint j = 0; j < DEEP; j++) { \
                const uint i = begin + j * LS, at = i < n * (many) && u0 + i % (many) < HU ? address[i0 + i / (many)] : NONE; \
                got[j] = uvec4(0); \
                if (at != NONE) got[j] = from[at + u0 + i % (many)]; \
            } \
            [[unroll]] for (uint j = 0; j < DEEP; j++) { \
                const uint i = begin + j * LS; \
                if (i < n * (many)) put(i / (many) * (stride) + i % (many) * KV_XV, got[j]); \
            } \
        } \
        PUT_SCALES \
    }
