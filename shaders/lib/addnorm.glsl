// What ends a half of a block, over one row of d elements from i0 on, by the whole workgroup: x takes in a by the residual's
// form, and the norm before the next matmul: y = rms(x) * next.
// The including kernel defines NORM_A(i), NORM_X(i), NORM_W(i), NORM_NEXT(i), NORM_Y(i), each a V, and LS.
// Every invocation reads back only the elements that it wrote itself, so no barrier is needed between the passes.
#include "residual.glsl"
float add_norm_by(uint form, uint i0, uint d, float eps) {
    i0 = IN_V(i0);
    float sum = 0.0, r = 1.0;
    if (form != RESIDUAL_PLAIN) {
        EACH(i, d) {
            const V v = residual_normed(form, NORM_A(i0 + i), NORM_X(i0 + i));
            sum = sum_of(v, v, sum);
        }
        r = inversesqrt(group_sum(sum) / float(d) + eps);
    }
    sum = 0.0;
    EACH(i, d) {
        const V v = add_residual(form, NORM_A(i0 + i), NORM_X(i0 + i), r, NORM_W(i));
        NORM_X(i0 + i) = v;
        sum = sum_of(v, v, sum);
    }
    return sum;
}

// Code of its own for Huginn's form, which so costs nothing more.
float add_norm(uint i0, uint d, float eps, uint form) {
    return form == RESIDUAL_NORMED ? add_norm_by(RESIDUAL_NORMED, i0, d, eps) : add_norm_by(form, i0, d, eps);
}
#ifdef NORM_NEXT
#ifdef QUANTIZE
#include "quantize.glsl"
#endif
#ifdef WIDE
#extension GL_EXT_control_flow_attributes : require
// The same with all that an invocation has of the row in registers, up to KEPT V: loads wait for each other once, not six times.
const uint KEPT = LS < 1024 ? 3 : 2; // with 1024 lanes 3 spill
void add_norm_pair_kept(uint form, uint v0, uint d, float eps) {
    V kept_a[KEPT], kept_x[KEPT], kept_w[KEPT], kept_next[KEPT];
    const uint lane = gl_LocalInvocationIndex;
    [[unroll]] for (uint k = 0; k < KEPT; k++) {
        const uint i = lane + k * LS;
        if (i < IN_V(d)) kept_a[k] = NORM_A(v0 + i), kept_x[k] = NORM_X(v0 + i), kept_w[k] = NORM_W(i), kept_next[k] = NORM_NEXT(i);
    }
    float sum = 0.0, r = 1.0;
    if (form != RESIDUAL_PLAIN) {
        [[unroll]] for (uint k = 0; k < KEPT; k++)
            if (lane + k * LS < IN_V(d)) {
                const V v = residual_normed(form, kept_a[k], kept_x[k]);
                sum = sum_of(v, v, sum);
            }
        r = inversesqrt(group_sum(sum) / float(d) + eps);
    }
    sum = 0.0;
    [[unroll]] for (uint k = 0; k < KEPT; k++)
        if (lane + k * LS < IN_V(d)) {
            kept_x[k] = add_residual(form, kept_a[k], kept_x[k], r, kept_w[k]);
            NORM_X(v0 + lane + k * LS) = kept_x[k];
            sum = sum_of(kept_x[k], kept_x[k], sum);
        }
    r = inversesqrt(group_sum(sum) / float(d) + eps);
    [[unroll]] for (uint k = 0; k < KEPT; k++)
        if (lane + k * LS < IN_V(d)) NORM_Y(v0 + lane + k * LS) = kept_x[k] * r * kept_next[k];
}
#endif
void add_norm_pair(uint i0, uint stride, uint d, float eps, uint form) {
#ifdef WIDE
    if (IN_V(d) <= KEPT * LS) add_norm_pair_kept(form, IN_V(i0), d, eps);
    else
#endif
    {
        const float r = inversesqrt(group_sum(add_norm(i0, d, eps, form)) / float(d) + eps);
        const uint v0 = IN_V(i0);
        EACH(i, d) NORM_Y(v0 + i) = NORM_X(v0 + i) * r * NORM_NEXT(i);
    }
#ifdef QUANTIZE
    quantize(i0, stride);
#endif
}
#endif
