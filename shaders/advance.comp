#version 450
// The end of a run of core blocks: x[n] takes in a[n] by the residual's form, and goes, normed once more if there is an end norm, to
// state[cell]. If that ends the core step, the row has done one more, and where its group is due for a check, what came of
// its state since the last one goes to change[cell]. A workgroup for each row.
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
#include "lib/residual.glsl"
#include "lib/row.glsl"
#include "lib/group.glsl"
#include "lib/change.glsl"
layout(set = 0, binding = 0) readonly buffer A { V a[]; };            // [n][stride]
layout(set = 0, binding = 1) readonly buffer X { V x[]; };            // [n][stride]
layout(set = 0, binding = 2) readonly buffer N { V weight[]; };       // [d]
layout(set = 0, binding = 3) writeonly buffer S { V state[]; };       // [cell][stride]
layout(set = 0, binding = 4) buffer R { Row rows[]; };                // [n]
layout(set = 0, binding = 5) buffer O { V older[]; };                 // [2 cells][stride] states at the last check, and at the one before
layout(set = 0, binding = 6) writeonly buffer C { Change change[]; }; // [cell]
layout(set = 0, binding = 7) readonly buffer G { ExitRule rules[]; };     // [group]
layout(set = 0, binding = 8) readonly buffer P { Progress progress[]; };
layout(set = 0, binding = 9) readonly buffer E { V end[]; };          // [d]
layout(push_constant) uniform Push {
    uint d, stride;
    float eps;
    uint oldest; // floats from a state at the last check to the one before
    uint form;   // RESIDUAL_*
    uint ended;  // 1: there is an end norm
    uint last;   // 1: the core step ends here
} p;

void change_add(inout Change c, V s, V before, V twice) {
    const V d = s - before, e = d - (before - twice);
    c.now = sum_of(s, s, c.now);
    c.before = sum_of(before, before, c.before);
    c.both = sum_of(s, before, c.both);
    c.first = sum_of(d, d, c.first);
    c.second = sum_of(e, e, c.second);
}

Change change_sum(Change c) {
    return Change(group_sum(c.now), group_sum(c.before), group_sum(c.both), group_sum(c.first), group_sum(c.second));
}

#ifdef WIDE
layout(constant_id = 3) const uint ENDED = 0;
layout(constant_id = 4) const uint CHECKED = 1; // 0: no check is ever due
V kept_a[KEEPS], kept_x[KEEPS], kept_w[KEEPS], kept_end[KEEPS];
#else
#define CHECKED 1
#endif

// Element i of the row's new state, kept as k, the row's elements of a and x being from i0 on. r and e are what the norms multiply by.
V residual_at(uint form, uint i0, uint k, uint i, float r) {
    return add_residual(form, KEPT_OR(kept_a, k, a[i0 + i]), KEPT_OR(kept_x, k, x[i0 + i]), r, KEPT_OR(kept_w, k, weight[i]));
}
V state_at(uint form, bool ended, uint i0, uint k, uint i, float r, float e) {
    const V v = residual_at(form, i0, k, i, r);
    return ended ? v * e * KEPT_OR(kept_end, k, end[i]) : v;
}

void advance(uint form, bool ended) {
    const uint n = gl_WorkGroupID.x, i0 = IN_V(n * p.stride), cell = rows[n].cell, s0 = IN_V(cell * p.stride), group = rows[n].group;
    float r = 1.0, e = 1.0;
#ifdef WIDE
    LOAD_ROW(k) {
        const uint i = ROW_AT(k, p.d);
        kept_a[k] = a[i0 + i], kept_x[k] = x[i0 + i], kept_w[k] = weight[i];
        if (ended) kept_end[k] = end[i];
    }
#endif
    if (form != RESIDUAL_PLAIN) {
        float sum = 0.0;
        OF_ROW(k, i, p.d) {
            const V v = residual_normed(form, KEPT_OR(kept_a, k, a[i0 + i]), KEPT_OR(kept_x, k, x[i0 + i]));
            sum = IN_ROW(i, p.d) ? sum_of(v, v, sum) : sum;
        }
        r = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    }
    if (ended) {
        float sum = 0.0;
        OF_ROW(k, i, p.d) {
            const V v = residual_at(form, i0, k, i, r);
            sum = IN_ROW(i, p.d) ? sum_of(v, v, sum) : sum;
        }
        e = inversesqrt(group_sum(sum) / float(p.d) + p.eps);
    }
    OF_ROW(k, i, p.d) if (IN_ROW(i, p.d)) state[s0 + i] = state_at(form, ended, i0, k, i, r, e);
    if (p.last == 0) return;
    if (gl_LocalInvocationIndex == 0) rows[n].step += 1;

    if (CHECKED == 0 || !due(rules[group], progress[group].taken) || rules[group].measure == MEASURE_GATE) return;
    const bool first = progress[group].checks == 0;
    Change c = Change(0.0, 0.0, 0.0, 0.0, 0.0);
    OF_ROW(k, i, p.d) if (IN_ROW(i, p.d)) {
        const V s = state_at(form, ended, i0, k, i, r, e), before = older[s0 + i];
        V twice = before;
        if (!first) twice = older[s0 + i + IN_V(p.oldest)];
        change_add(c, s, before, twice);
        older[s0 + i + IN_V(p.oldest)] = before;
        older[s0 + i] = s;
    }
    c = change_sum(c);
    if (gl_LocalInvocationIndex == 0) change[cell] = c;
}

#ifdef WIDE
void main() { advance(FORM, ENDED != 0); }
#else
// Code of its own for Huginn's form, which so costs nothing more.
void main() {
    if (p.form == RESIDUAL_NORMED && p.ended == 0) advance(RESIDUAL_NORMED, false);
    else advance(p.form, p.ended != 0);
}
#endif
