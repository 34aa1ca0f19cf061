// What an invocation takes of a row at a time is a V, and IN_V(n) how many n elements are. WIDE kernels, whose workgroup is several
// subgroups, take rows of whole vec4.
#ifdef WIDE
#define V vec4
#define IN_V(n) ((n) / 4)
#else
#define V float
#define IN_V(n) (n)
#endif
// Goes over the i of this invocation in a row of d elements.
#define EACH(i, d) for (uint i = gl_LocalInvocationIndex; i < IN_V(d); i += LS)

// sum + a b, element by element in order.
float sum_of(V a, V b, float sum) {
#ifdef WIDE
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
#else
    return fma(a, b, sum);
#endif
}
