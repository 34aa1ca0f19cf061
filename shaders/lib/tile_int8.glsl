// y = W x for many rows of int8 activations, by dot products of four bytes: as tile.glsl, but a step is two blocks of 32 along k, in
// bytes. In shared memory a row has 64 bytes of a step, and in the vector to spare the two scales. Sums over a block are whole
// numbers, over blocks chains of floats.
#define DEPTH 64
#include "tiled.glsl"
#define UNITS (DEPTH / UNIT)      // of a weight row in a step
#define BYTES (DEPTH / 16)        // vectors of bytes of a row in a step; scales behind them
#define LINE (BYTES + 1)
const uint WEACH = (8 * WL * UNITS + LS - 1) / LS; // what an invocation loads at a step
const uint XEACH = (XROWS * BYTES + LS - 1) / LS;
shared uvec4 tw[8 * WL * LINE];
shared uvec4 tx[XROWS * LINE];
#ifdef LAST_QUANTIZES
#define NT XROWS
#define NR (8 * WL)
#include "last.glsl"
#include "quantize.glsl"
#endif

// Bytes of weights, unsigned and so much too large where the dot product mixes signs.
#define EXCESS (DOT == DOT_MIXED ? OVER : 0)
#if defined(W_Q8_0)
#define OVER 128
void put(uint at, uint u, Packed w) { tw[at + u] = DOT == DOT_MIXED ? w.q ^ 0x80808080u : w.q; }
#elif defined(W_Q4_0)
#define OVER 8
uvec4 bytes(uvec4 q) { return DOT == DOT_MIXED ? q : ((q | 0x80808080u) - 0x08080808u) ^ 0x80808080u; }
void put(uint at, uint u, Packed w) {
    tw[at + 2 * u] = bytes(w.q & 0x0f0f0f0fu);
    tw[at + 2 * u + 1] = bytes(w.q >> 4 & 0x0f0f0f0fu);
}
#endif

int dot_of(uint w, uint x) { return DOT == DOT_MIXED ? mixed_dot(x, w, 0) : signed_dot(w, x, 0); }

// A block of as many weight rows as are held, from h on. Not a loop in main: drivers may keep one that has a loop inside (Intel does), and pick each
// sum by its number, with a select for each. all are the sums of x.
void held_rows(const uint h, uint b, uint li, uint lt, inout int all[TT], inout float acc[8][TT]) {
    int sum[HELD][TT];
    [[unroll]] for (uint t = 0; t < TT; t++) {
        if (h == 0) all[t] = 0;
        [[unroll]] for (uint r = 0; r < HELD; r++) sum[r][t] = 0;
    }
    [[dont_unroll]] for (uint v = 0; v < 2; v++) {
        uvec4 a[HELD];
        [[unroll]] for (uint r = 0; r < HELD; r++) a[r] = tw[((h + r) * WL + li) * LINE + b * 2 + v];
        [[unroll]] for (uint t = 0; t < TT; t++) {
            const uvec4 c = tx[(t * XL + lt) * LINE + b * 2 + v];
            [[unroll]] for (uint i = 0; i < 4; i++) {
                if (DOT == DOT_MIXED && h == 0) all[t] += mixed_dot(c[i], 0x01010101u, 0);
                [[unroll]] for (uint r = 0; r < HELD; r++) sum[r][t] += dot_of(a[r][i], c[i]);
            }
        }
    }
    [[unroll]] for (uint t = 0; t < TT; t++) {
        const float d = uintBitsToFloat(tx[(t * XL + lt) * LINE + BYTES][b]);
        [[unroll]] for (uint r = 0; r < HELD; r++) {
            const float wd = uintBitsToFloat(tw[((h + r) * WL + li) * LINE + BYTES][b]);
            acc[h + r][t] = fma(float(sum[r][t] - EXCESS * all[t]), d * wd, acc[h + r][t]);
        }
    }
}

void main() {
    LOWER
    BEGIN_TILE
    Packed w[WEACH];
    uvec4 x[XEACH];
    float xd[XEACH];

    // Lanes next to each other along k. What is more than a step has is loaded, and stored, twice.
#define FETCH(k0)                                                                                                  \
    [[unroll]] for (uint e = 0; e < WEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, 8 * WL * UNITS - 1), r = i / UNITS;                                      \
        LOAD_W(w[e], r / ROWS, min(row0 + r % ROWS, p.rows - 1), min((k0) / UNIT + i % UNITS, p.units - 1));       \
    }                                                                                                              \
    [[unroll]] for (uint e = 0; e < XEACH; e++) {                                                                  \
        const uint i = min(lane + e * LS, XROWS * BYTES - 1), t = min(t0 + i / BYTES, p.n - 1);                    \
        x[e] = FOUR(x_in, t * p.x_stride + (k0) / 16 + i % BYTES);                                                 \
        xd[e] = ONE(x_scales, (t * p.x_stride + end / 16) * 4 + (k0) / 32 + i % BYTES / 2);                        \
    }

    FETCH(0)
    for (uint k0 = 0; k0 < end; k0 += DEPTH) {
        [[unroll]] for (uint e = 0; e < WEACH; e++) {
            const uint i = min(lane + e * LS, 8 * WL * UNITS - 1), at = i / UNITS * LINE, u = i % UNITS;
            put(at, u, w[e]);
            tw[at + BYTES][u * UNIT / 32] = floatBitsToUint(w[e].d);
        }
        [[unroll]] for (uint e = 0; e < XEACH; e++) {
            const uint i = min(lane + e * LS, XROWS * BYTES - 1), at = i / BYTES * LINE, v = i % BYTES;
            tx[at + v] = x[e];
            tx[at + BYTES][v / 2] = floatBitsToUint(xd[e]);
        }
        barrier();
        if (k0 + DEPTH < end) { FETCH(k0 + DEPTH) }
        // Unrolled, compilers load all of a step at once: 60 registers more, which Intel spills.
        [[dont_unroll]] for (uint b = 0; b < DEPTH / 32; b++) {
            int all[TT];
            held_rows(0, b, li, lt, all, acc);
            if (HELD < 4) held_rows(2, b, li, lt, all, acc);
            if (HELD < 8) held_rows(4, b, li, lt, all, acc);
            if (HELD < 4) held_rows(6, b, li, lt, all, acc);
        }
        barrier();
    }

    END_TILE
#ifdef FINISH
    FINISH(t0)
#endif
}
