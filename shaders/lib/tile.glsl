// y = W x for many rows of x on GPUs: 64 invocations stage a tile of 64 weight rows and 8 TT x rows,
// 16 deep in k, in shared memory; each computes 8 x TT results, TT set by the variant. Hooks as in matvec.glsl; with PARTS = 2 a
// tile holds 32 rows of either matrix.
#define LS 64
#define TILE 64
#define DEPTH 16
#define OUT (8 / PARTS)     // rows of y an invocation computes
#define ROWS (TILE / PARTS) // rows of y a workgroup computes
#if UNIT < DEPTH
#define TAKEN UNIT // weights of a unit that a step takes
#else
#define TAKEN DEPTH
#endif
layout(local_size_x = LS) in;
shared float tw[DEPTH][TILE + 1];
shared float tx[DEPTH][8 * TT + 1];

void main() {
    LOWER
    const uint lane = gl_LocalInvocationIndex;
    const uint row0 = (p.first + gl_WorkGroupID.x) * ROWS;
    const uint t0 = gl_WorkGroupID.y * (8 * TT);
    const uint li = lane % 8, lt = lane / 8;
    float acc[8][TT];
    [[unroll]] for (uint r = 0; r < 8; r++)
        [[unroll]] for (uint t = 0; t < TT; t++) acc[r][t] = 0.0;

    for (uint k0 = 0; k0 < p.units * UNIT; k0 += DEPTH) {
        // Weights: TILE rows of DEPTH / TAKEN runs, lanes next to each other along k.
        for (uint i = lane; i < TILE * (DEPTH / TAKEN); i += LS) {
            const uint r = i / (DEPTH / TAKEN), k = i % (DEPTH / TAKEN) * TAKEN;
            const uint unit = (k0 + k) / UNIT, v0 = (k0 + k) % UNIT / 4;
            Packed packed;
            LOAD_W(packed, r / ROWS, min(row0 + r % ROWS, p.rows - 1), min(unit, p.units - 1));
            [[unroll]] for (uint v = 0; v < TAKEN / 4; v++) {
                const vec4 w = unit < p.units ? unpack(packed, v0 + v) : vec4(0);
                [[unroll]] for (uint c = 0; c < 4; c++) tw[k + v * 4 + c][r] = w[c];
            }
        }
        for (uint i = lane; i < 8 * TT * (DEPTH / 4); i += LS) {
            const uint t = i / (DEPTH / 4), v = i % (DEPTH / 4);
            vec4 x = vec4(0);
            if (k0 + v * 4 < p.units * UNIT) x = LOAD_X(X_ROW(min(t0 + t, p.n - 1)), k0 / 4 + v);
            [[unroll]] for (uint c = 0; c < 4; c++) tx[v * 4 + c][t] = x[c];
        }
        barrier();
        for (uint k = 0; k < DEPTH; k++) {
            float w[8], x[TT];
            [[unroll]] for (uint r = 0; r < 8; r++) w[r] = tw[k][(r / OUT) * ROWS + li * OUT + r % OUT];
            [[unroll]] for (uint t = 0; t < TT; t++) x[t] = tx[k][lt * TT + t];
            [[unroll]] for (uint r = 0; r < 8; r++)
                [[unroll]] for (uint t = 0; t < TT; t++) acc[r][t] = fma(w[r], x[t], acc[r][t]);
        }
        barrier();
    }

    [[unroll]] for (uint r = 0; r < OUT; r++)
        [[unroll]] for (uint t = 0; t < TT; t++) {
            const uint row = row0 + li * OUT + r, tok = t0 + lt * TT + t;
            if (row < p.rows && tok < p.n) {
                float sum[PARTS];
                [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = LOWERED(acc[q * OUT + r][t], q);
                EMIT(tok, row, sum);
            }
        }
}
