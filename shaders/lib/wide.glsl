// What an invocation takes of a row at a time is a V, and IN_V(n) how many n elements are. WIDE kernels, whose workgroup is several
// subgroups, take rows of whole vec4.
#ifdef WIDE
#extension GL_EXT_control_flow_attributes : require
#define V vec4
#define IN_V(n) ((n) / 4)
layout(constant_id = 1) const uint KEPT = 0; // V of a row that an invocation keeps in registers; 0: it reads them again
const uint KEEPS = KEPT > 0 ? KEPT : 1;
#else
#define V float
#define IN_V(n) (n)
#endif
// Goes over the i of this invocation in a row of d elements.
#define EACH(i, d) for (uint i = gl_LocalInvocationIndex; i < IN_V(d); i += LS)

// The same for what may be kept: KEPT_OR is element k of what is, or else one in memory. A row that is kept is loaded all at once, by LOAD_ROW, at
// ROW_AT; where an invocation has no kth V of it, that is the last, and not IN_ROW.
#ifdef WIDE
#define OF_ROW(k, i, d) [[unroll]] for (uint k = 0, i = gl_LocalInvocationIndex; KEPT > 0 ? k < KEPT : i < IN_V(d); k++, i += LS)
#define IN_ROW(i, d) (KEPT == 0 || i < IN_V(d))
#define LOAD_ROW(k) if (KEPT > 0) [[unroll]] for (uint k = 0; k < KEPT; k++)
#define ROW_AT(k, d) min(gl_LocalInvocationIndex + k * LS, IN_V(d) - 1)
#define KEPT_OR(kept, k, memory) (KEPT > 0 ? kept[k] : memory)
#define KEEP(kept, k, v) if (KEPT > 0) kept[k] = v
#else
#define OF_ROW(k, i, d) for (uint k = 0, i = gl_LocalInvocationIndex; i < IN_V(d); i += LS)
#define IN_ROW(i, d) true
#define KEPT_OR(kept, k, memory) memory
#define KEEP(kept, k, v)
#endif

// sum + a b, element by element in order.
float sum_of(V a, V b, float sum) {
#ifdef WIDE
    return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
#else
    return fma(a, b, sum);
#endif
}
