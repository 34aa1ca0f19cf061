// The block's norm after a residual, over one row of d elements from i0 on, by the whole workgroup:
// x = rms(a + x) * weight, and the norm before the next matmul: y = rms(x) * next.
// The including kernel defines NORM_A(i), NORM_X(i), NORM_W(i), NORM_NEXT(i), NORM_Y(i), each a V, and LS.
// Every invocation reads back only the elements that it wrote itself, so no barrier is needed between the passes.
float add_norm(uint i0, uint d, float eps) {
    i0 = IN_V(i0);
    float sum = 0.0;
    EACH(i, d) {
        const V v = NORM_A(i0 + i) + NORM_X(i0 + i);
        sum = sum_of(v, v, sum);
    }
    const float r = inversesqrt(group_sum(sum) / float(d) + eps);
    sum = 0.0;
    EACH(i, d) {
        const V v = (NORM_A(i0 + i) + NORM_X(i0 + i)) * r * NORM_W(i);
        NORM_X(i0 + i) = v;
        sum = sum_of(v, v, sum);
    }
    return sum;
}
#ifdef NORM_NEXT
#ifdef QUANTIZE
#include "quantize.glsl"
#endif
void add_norm_pair(uint i0, uint stride, uint d, float eps) {
    const float r = inversesqrt(group_sum(add_norm(i0, d, eps)) / float(d) + eps);
    const uint v0 = IN_V(i0);
    EACH(i, d) NORM_Y(v0 + i) = NORM_X(v0 + i) * r * NORM_NEXT(i);
#ifdef QUANTIZE
    quantize(i0, stride);
#endif
}
#endif
