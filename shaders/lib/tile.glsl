// y = W x for many rows of x on GPUs: 64 invocations stage a tile of 64 weight rows and 64 x rows,
// 16 deep in k, in shared memory; each computes 8 x 8 results. Hooks as in matvec.glsl; with PARTS = 2 a
// tile holds 32 rows of either matrix.
#define LS 64
#define TILE 64
#define DEPTH 16
#define OUT (8 / PARTS)      // rows of y an invocation computes
#define ROWS (TILE / PARTS)  // rows of y a workgroup computes
layout(local_size_x = LS) in;
shared float tw[DEPTH][TILE + 1];
shared float tx[DEPTH][TILE + 1];

void main() {
    const uint lane = gl_LocalInvocationIndex;
    const uint row0 = gl_WorkGroupID.x * ROWS;
    const uint t0 = gl_WorkGroupID.y * TILE;
    const uint li = lane % 8, lt = lane / 8;
    float acc[8][8];
    for (uint r = 0; r < 8; r++)
        for (uint t = 0; t < 8; t++) acc[r][t] = 0.0;

    for (uint k0 = 0; k0 < p.units * UNIT; k0 += DEPTH) {
        // Weights: TILE rows of DEPTH / UNIT units, lanes next to each other along k.
        for (uint i = lane; i < TILE * (DEPTH / UNIT); i += LS) {
            const uint r = i / (DEPTH / UNIT), u = i % (DEPTH / UNIT);
            vec4 w[XV];
            for (uint v = 0; v < XV; v++) w[v] = vec4(0);
            if (k0 / UNIT + u < p.units) {
                const uvec4 packed = LOAD_W(r / ROWS, min(row0 + r % ROWS, p.rows - 1), k0 / UNIT + u);
                UNPACK(packed, w);
            }
            for (uint v = 0; v < XV; v++)
                for (uint c = 0; c < 4; c++) tw[u * UNIT + v * 4 + c][r] = w[v][c];
        }
        for (uint i = lane; i < TILE * (DEPTH / 4); i += LS) {
            const uint t = i / (DEPTH / 4), v = i % (DEPTH / 4);
            vec4 x = vec4(0);
            if (k0 + v * 4 < p.units * UNIT) x = LOAD_X(min(t0 + t, p.n - 1), k0 / 4 + v);
            for (uint c = 0; c < 4; c++) tx[v * 4 + c][t] = x[c];
        }
        barrier();
        for (uint k = 0; k < DEPTH; k++) {
            float w[8], x[8];
            [[unroll]] for (uint r = 0; r < 8; r++) w[r] = tw[k][(r / OUT) * ROWS + li * OUT + r % OUT];
            [[unroll]] for (uint t = 0; t < 8; t++) x[t] = tx[k][lt * 8 + t];
            [[unroll]] for (uint r = 0; r < 8; r++)
                [[unroll]] for (uint t = 0; t < 8; t++) acc[r][t] += w[r] * x[t];
        }
        barrier();
    }

    [[unroll]] for (uint r = 0; r < OUT; r++)
        [[unroll]] for (uint t = 0; t < 8; t++) {
            const uint row = row0 + li * OUT + r, tok = t0 + lt * 8 + t;
            if (row < p.rows && tok < p.n) {
                float sum[PARTS];
                [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = acc[q * OUT + r][t];
                EMIT(tok, row, sum);
            }
        }
}
