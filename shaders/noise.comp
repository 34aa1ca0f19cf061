#version 450
// Before a core step: state[cell] = rms((1 - share) state[cell] + share noise) * weight, the last core block's norm_4. The noise
// is normal, keyed by the row's sequence key, position, draw and step. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#ifdef SUBGROUP
layout(local_size_x_id = 0) in;
#define LS gl_WorkGroupSize.x
#else
#define LS 128
layout(local_size_x = LS) in;
#endif
#include "lib/reduce.glsl"
#include "lib/wide.glsl"
#include "lib/row.glsl"
#include "lib/normal.glsl"
layout(set = 0, binding = 0) buffer S { V state[]; };           // [cell][stride]
layout(set = 0, binding = 1) readonly buffer N { V weight[]; }; // [d]
layout(set = 0, binding = 2) readonly buffer R { Row rows[]; };     // [n]
layout(push_constant) uniform Push {
    uint d, stride;
    float eps;
    float mean; // mean_recurrence
} p;

float share(Row row, uint draw) {
    const float step = float(row.step);
    switch (row.draw & 7) {
    case 1: return row.noise / (step + 1.0);
    case 2: return row.noise / sqrt(step + 1.0);
    case 3: return max(row.noise, (p.mean - step) / p.mean);
    case 4: return row.noise * 2.0 * uniform01(philox(uvec2(row.key_lo, row.key_hi), uvec4(row.pos, 0, KIND_NOISE_CHI, draw)).x);
    }
    return row.noise;
}

void main() {
    const Row row = rows[gl_WorkGroupID.x];
    if (row.noise == 0.0) return;
    const uint s0 = IN_V(row.cell * p.stride), draw = (row.draw >> 3) << 16 | row.step;
    const float n = share(row, draw);
    float sum = 0.0;
    EACH(i, p.d) {
#ifdef WIDE
        const uvec4 words = philox(uvec2(row.key_lo, row.key_hi), uvec4(row.pos, i, KIND_NOISE, draw));
        const vec4 drawn = vec4(normal(words.x), normal(words.y), normal(words.z), normal(words.w));
#else
        const uvec4 words = philox(uvec2(row.key_lo, row.key_hi), uvec4(row.pos, i / 4, KIND_NOISE, draw));
        const float drawn = normal(words[i % 4]);
#endif
        const V v = (1.0 - n) * state[s0 + i] + n * drawn;
        state[s0 + i] = v;
        sum = sum_of(v, v, sum);
    }
    const float r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    EACH(i, p.d) state[s0 + i] *= r * weight[i];
}
