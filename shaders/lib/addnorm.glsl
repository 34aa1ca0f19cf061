// What ends a half of a block, over one row of d elements from i0 on, by the whole workgroup: x takes in a by the residual's
// form, and the norm before the next matmul: y = rms(x) * next.
// The including kernel defines NORM_A(i), NORM_X(i), NORM_W(i), NORM_NEXT(i), NORM_Y(i), each a V, and LS.
// Every invocation reads back only the elements that it wrote itself, so no barrier is needed between the passes.
#include "residual.glsl"
#ifdef WIDE
V kept_a[KEEPS], kept_x[KEEPS], kept_w[KEEPS], kept_next[KEEPS];
#endif
float add_norm_by(uint form, uint i0, uint d, float eps) {
    i0 = IN_V(i0);
    float sum = 0.0, r = 1.0;
    if (form != RESIDUAL_PLAIN) {
        OF_ROW(k, i, d) {
            const V v = residual_normed(form, KEPT_OR(kept_a, k, NORM_A(i0 + i)), KEPT_OR(kept_x, k, NORM_X(i0 + i)));
            sum = IN_ROW(i, d) ? sum_of(v, v, sum) : sum;
        }
        r = inversesqrt(group_sum(sum) / float(d) + eps);
    }
    sum = 0.0;
    OF_ROW(k, i, d) {
        const V v = add_residual(form, KEPT_OR(kept_a, k, NORM_A(i0 + i)), KEPT_OR(kept_x, k, NORM_X(i0 + i)), r, KEPT_OR(kept_w, k, NORM_W(i)));
        KEEP(kept_x, k, v);
        if (IN_ROW(i, d)) NORM_X(i0 + i) = v;
        sum = IN_ROW(i, d) ? sum_of(v, v, sum) : sum;
    }
    return sum;
}

float add_norm(uint i0, uint d, float eps, uint form) {
#ifdef WIDE
    LOAD_ROW(k) {
        const uint i = ROW_AT(k, d);
        kept_a[k] = NORM_A(IN_V(i0) + i), kept_x[k] = NORM_X(IN_V(i0) + i), kept_w[k] = NORM_W(i);
#ifdef NORM_NEXT
        kept_next[k] = NORM_NEXT(i);
#endif
    }
    return add_norm_by(FORM, i0, d, eps);
#else // code of its own for Huginn's form, which so costs nothing more
    return form == RESIDUAL_NORMED ? add_norm_by(RESIDUAL_NORMED, i0, d, eps) : add_norm_by(form, i0, d, eps);
#endif
}
#ifdef NORM_NEXT
#ifdef QUANTIZE
#include "quantize.glsl"
#endif
void add_norm_pair(uint i0, uint stride, uint d, float eps, uint form) {
    const float r = inversesqrt(group_sum(add_norm(i0, d, eps, form)) / float(d) + eps);
    const uint v0 = IN_V(i0);
    OF_ROW(k, i, d) {
        const V v = KEPT_OR(kept_x, k, NORM_X(v0 + i)) * r * KEPT_OR(kept_next, k, NORM_NEXT(i));
        KEEP(kept_x, k, IN_ROW(i, d) ? v : V(0));
        if (IN_ROW(i, d)) NORM_Y(v0 + i) = v;
    }
#ifdef QUANTIZE
    quantize(i0, stride);
#endif
}
#endif
