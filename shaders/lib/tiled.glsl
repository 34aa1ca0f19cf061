// What tiles of floats and of bytes share: a workgroup of XL x WL invocations has a tile of 8 WL weight rows and TT XL rows of x, each invocation 8 x TT
// results, TT set by the variant.
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
layout(constant_id = 1) const uint WL = 8;
layout(constant_id = 2) const uint HELD = 8; // weight rows of which an invocation holds a vector at once; all, or fewer registers
const uint XL = LS / WL;
#define OUT (8 / PARTS)           // rows of y an invocation computes
const uint ROWS = OUT * WL;       // rows of y a workgroup computes
const uint XROWS = TT * XL;

#define BEGIN_TILE                                                                                   \
    const uint lane = gl_LocalInvocationIndex;                                                       \
    const uint row0 = (p.first + gl_WorkGroupID.x) * ROWS, t0 = gl_WorkGroupID.y * XROWS;            \
    const uint li = lane % WL, lt = lane / WL, end = p.units * UNIT;                                 \
    float acc[8][TT];                                                                                \
    [[unroll]] for (uint r = 0; r < 8; r++)                                                          \
        [[unroll]] for (uint t = 0; t < TT; t++) acc[r][t] = 0.0;

#define END_TILE                                                                                     \
    [[unroll]] for (uint r = 0; r < OUT; r++)                                                        \
        [[unroll]] for (uint t = 0; t < TT; t++) {                                                   \
            const uint row = row0 + r * WL + li, tok = t0 + t * XL + lt;                             \
            if (row < p.rows && tok < p.n) {                                                         \
                float sum[PARTS];                                                                    \
                [[unroll]] for (uint q = 0; q < PARTS; q++) sum[q] = LOWERED(acc[q * OUT + r][t], q); \
                EMIT(tok, row, sum);                                                                 \
            }                                                                                        \
        }
