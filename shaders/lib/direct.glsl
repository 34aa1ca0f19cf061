// y = W x for many rows of x on devices whose lanes load one by one (CPU drivers): every invocation
// computes NR rows of W times NT rows of x on its own, without shared memory; loads of x are the same in
// all lanes. Hooks as in matvec.glsl.
layout(local_size_x_id = 0) in;

void main() {
    const uint row0 = gl_GlobalInvocationID.x * (NR / PARTS);
    const uint t0 = gl_WorkGroupID.y * NT;
    if (row0 >= p.rows) return;
    float acc[NR][NT];
    for (uint r = 0; r < NR; r++)
        for (uint t = 0; t < NT; t++) acc[r][t] = 0.0;

    for (uint u = 0; u < p.units; u++) {
        vec4 w[NR][XV];
        [[unroll]] for (uint r = 0; r < NR; r++) {
            const uvec4 packed = LOAD_W(r / (NR / PARTS), min(row0 + r % (NR / PARTS), p.rows - 1), u);
            UNPACK(packed, w[r]);
        }
        [[unroll]] for (uint t = 0; t < NT; t++) {
            [[unroll]] for (uint v = 0; v < XV; v++) {
                const vec4 x = LOAD_X(min(t0 + t, p.n - 1), u * XV + v);
                [[unroll]] for (uint r = 0; r < NR; r++) acc[r][t] += dot(w[r][v], x);
            }
        }
    }

    [[unroll]] for (uint r = 0; r < NR / PARTS; r++)
        [[unroll]] for (uint t = 0; t < NT; t++)
            if (row0 + r < p.rows && t0 + t < p.n) {
                float sum[PARTS];
                [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = acc[q * (NR / PARTS) + r][t];
                EMIT(t0 + t, row0 + r, sum);
            }
}
