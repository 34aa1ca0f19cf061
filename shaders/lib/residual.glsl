// How the residual stream x takes in a, what a half of a block gave: shaders.Residual in Go.
const uint RESIDUAL_NORMED = 0; // x = rms(a + x) weight
const uint RESIDUAL_INSIDE = 1; // x = x + rms(a) weight
const uint RESIDUAL_PLAIN = 2;  // x = x + a, and the weight is not used

// What is normed, of one V; nothing is where the form is plain.
V residual_normed(uint form, V a, V x) { return form == RESIDUAL_NORMED ? a + x : a; }

// The new x; r is what the norm multiplies by. Several kernels must agree on its bits, so no product is added but by fma.
V add_residual(uint form, V a, V x, float r, V weight) {
    if (form == RESIDUAL_INSIDE) return fma(a * r, weight, x);
    const V v = a + x;
    return form == RESIDUAL_NORMED ? v * r * weight : v;
}

#ifdef WIDE // a kernel for each form
layout(constant_id = 2) const uint FORM = RESIDUAL_NORMED;
#endif
