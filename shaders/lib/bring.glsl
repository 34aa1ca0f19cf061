// How a workgroup brings CHUNK positions' keys or values into shared memory, as halves: each lane has EACH units of 16 bytes of the cache
// under way, and puts them there once they are needed. For attention_coop.comp, whose names these are.
// Where a lane's units of keys and values are, and what it brought.
uint at[EACH];
uvec4 got[EACH];
#ifdef KV_Q8
uint scale[EACH];
#define BRING_SCALE(e) scale[e] = at[e] == NONE ? 0 : scales[p.scales + at[e] / 2];
uint four(vec2 x) {
    const uvec2 b = floatBitsToUint(x); // to the nearest half, whatever the driver's conversion does
    return packFloat2x16(f16vec2(uintBitsToFloat(b + 0xfffu + (b >> 13 & 1u) & ~0x1fffu)));
}
#else
#define BRING_SCALE(e)
#endif
#define BRING(from) [[unroll]] for (uint e = 0; e < EACH; e++) { got[e] = uvec4(0); if (at[e] != NONE) got[e] = from[at[e]]; }

void find(uint seq, uint own, bool missing, uint kv_head, uint c0, uint end) {
    [[unroll]] for (uint e = 0; e < EACH; e++) {
        const uint i = gl_LocalInvocationIndex + e * LS, pos = c0 + i / HU;
        at[e] = NONE;
        if (i < CHUNK * HU && pos < end) {
            const uint cell = own_cell(seq, pos), slot = lookup(own, cell, missing);
            if (slot != NONE) at[e] = place(slot, cell, seq, pos, kv_head) + i % HU;
        }
        BRING_SCALE(e)
    }
}

void put(uint first, bool keys) {
    [[unroll]] for (uint e = 0; e < EACH; e++) {
        const uint i = gl_LocalInvocationIndex + e * LS, to = (first + i / HU) * LINE + i % HU * (KV_UNIT / 8);
        if (i >= CHUNK * HU) continue;
#ifdef KV_Q8
        const float d = keys ? key_scale(scale[e]) : value_scale(scale[e]);
        [[unroll]] for (uint x = 0; x < 2; x++) {
            const vec4 a = kv_bytes(got[e][2 * x]) * d, b = kv_bytes(got[e][2 * x + 1]) * d;
            stage[to + x] = uvec4(four(a.xy), four(a.zw), four(b.xy), four(b.zw));
        }
#else
        stage[to] = got[e];
#endif
        if (keys && i % HU == 0) there[i / HU] = at[e] == NONE ? 0 : 1;
    }
}
