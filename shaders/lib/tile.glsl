// y = W x for many rows of x on GPUs: tiles (tiled.glsl), 16 deep in k, in shared memory. While one step is multiplied the next one's loads are
// under way. Rows lie along k with a vector to spare, so that the eight invocations of a phase read vectors from different
// banks. Hooks as in matvec.glsl; with PARTS = 2 half of a tile's weight rows are of either matrix. Results do not depend on the shape: a sum is
// a chain along k.
#define DEPTH 16
#include "tiled.glsl"
#if UNIT < DEPTH
#define TAKEN UNIT // weights of a unit that a step takes
#else
#define TAKEN DEPTH
#endif
#define RUNS (DEPTH / TAKEN)      // units of a weight row in a step
#define LINE (DEPTH / 4 + 1)      // vectors from row to row in shared memory
const uint WEACH = (8 * WL * RUNS + LS - 1) / LS; // what an invocation loads at a step
const uint XEACH = (XROWS * (DEPTH / 4) + LS - 1) / LS;
shared vec4 tw[8 * WL * LINE];
shared vec4 tx[XROWS * LINE];

void main() {
    LOWER
    BEGIN_TILE
    Packed w[WEACH];
    vec4 x[XEACH];

    // Lanes next to each other along k. What is more than a step has is loaded, and stored, twice.
#define FETCH(k0)                                                                                                     \
    [[unroll]] for (uint e = 0; e < WEACH; e++) {                                                                     \
        const uint i = min(lane + e * LS, 8 * WL * RUNS - 1), r = i / RUNS;                                           \
        LOAD_W(w[e], r / ROWS, min(row0 + r % ROWS, p.rows - 1), min(((k0) + i % RUNS * TAKEN) / UNIT, p.units - 1)); \
    }                                                                                                                 \
    [[unroll]] for (uint e = 0; e < XEACH; e++) {                                                                     \
        const uint i = min(lane + e * LS, XROWS * (DEPTH / 4) - 1);                                                   \
        x[e] = LOAD_X(X_ROW(min(t0 + i / (DEPTH / 4), p.n - 1)), min((k0) / 4 + i % (DEPTH / 4), end / 4 - 1));       \
    }

    FETCH(0)
    for (uint k0 = 0; k0 < end; k0 += DEPTH) {
        [[unroll]] for (uint e = 0; e < WEACH; e++) {
            const uint i = min(lane + e * LS, 8 * WL * RUNS - 1), k = i % RUNS * TAKEN;
            [[unroll]] for (uint v = 0; v < TAKEN / 4; v++)
                tw[i / RUNS * LINE + k / 4 + v] = k0 + k < end ? unpack(w[e], (k0 + k) % UNIT / 4 + v) : vec4(0);
        }
        [[unroll]] for (uint e = 0; e < XEACH; e++) {
            const uint i = min(lane + e * LS, XROWS * (DEPTH / 4) - 1), v = i % (DEPTH / 4);
            tx[i / (DEPTH / 4) * LINE + v] = k0 + v * 4 < end ? x[e] : vec4(0);
        }
        barrier();
        if (k0 + DEPTH < end) { FETCH(k0 + DEPTH) }
        for (uint v = 0; v < DEPTH / 4; v++) {
            [[unroll]] for (uint h = 0; h < 8; h += HELD) {
                vec4 a[HELD];
                [[unroll]] for (uint r = 0; r < HELD; r++) a[r] = tw[((h + r) * WL + li) * LINE + v];
                [[unroll]] for (uint t = 0; t < TT; t++) {
                    const vec4 b = tx[(t * XL + lt) * LINE + v];
                    [[unroll]] for (uint c = 0; c < 4; c++)
                        [[unroll]] for (uint r = 0; r < HELD; r++) acc[h + r][t] = fma(a[r][c], b[c], acc[h + r][t]);
                }
            }
        }
        barrier();
    }

    END_TILE
}
