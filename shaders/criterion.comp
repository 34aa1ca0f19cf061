#version 450
// The value of an exit criterion that looks at the logits, for each group that is due for a check by that criterion:
// against the distribution at its last check, which is kept as its logarithms. A workgroup for each row of logits.
#extension GL_GOOGLE_include_directive : require
#define LS 256
layout(local_size_x = LS) in;
#include "lib/reduce.glsl"
#include "lib/group.glsl"
layout(set = 0, binding = 0) readonly buffer L { float logits[]; };   // [n][stride]
layout(set = 0, binding = 1) readonly buffer N { uint group_of[]; };  // [n] groups
layout(set = 0, binding = 2) readonly buffer G { ExitRule rules[]; };     // [group]
layout(set = 0, binding = 3) buffer P { Progress progress[]; };       // [group]
layout(set = 0, binding = 4) buffer Q { float previous[]; };          // [group][stride]; one value in the first place may do
layout(push_constant) uniform Push { uint vocab, stride, criterion; } p;

void main() {
    const uint lane = gl_LocalInvocationIndex, l0 = gl_WorkGroupID.x * p.stride, g = group_of[gl_WorkGroupID.x];
    const ExitRule r = rules[g];
    const Progress now = progress[g];
    if (r.criterion != p.criterion || now.done != 0 || !due(r, now.taken)) return;
    const uint q0 = g * p.stride;
    const bool first = now.checks == 0;
    float top = -3.402823466e38, total = 0.0, value = 0.0;
    for (uint t = lane; t < p.vocab; t += LS) top = max(top, logits[l0 + t]);
    top = group_max(top);
#if defined(ARGMAX_STABILITY) // checks in a row that kept the likeliest token
    float token = -float(p.vocab);
    for (uint t = lane; t < p.vocab; t += LS)
        if (logits[l0 + t] == top) token = max(token, -float(t)); // the lowest of equals
    token = group_max(token);
    value = !first && previous[q0] == token ? previous[q0 + 1] + 1.0 : 0.0;
    barrier();
    if (lane == 0) previous[q0] = token, previous[q0 + 1] = value;
#else
    for (uint t = lane; t < p.vocab; t += LS) total += exp(logits[l0 + t] - top);
    total = group_sum(total);
#if defined(ENTROPY_DIFF) // change of the entropy, from 100 at first
    float entropy = 0.0;
    for (uint t = lane; t < p.vocab; t += LS) {
        const float q = exp(logits[l0 + t] - top) / total;
        entropy -= q * log(q + 1e-10);
    }
    entropy = group_sum(entropy);
    value = abs(entropy - (first ? 100.0 : previous[q0]));
    barrier();
    if (lane == 0) previous[q0] = entropy;
#elif defined(KL) || defined(MINP) // KL(previous || current), from the uniform distribution at first
#if defined(MINP) // of probabilities of which those below a tenth of the largest are levelled to 1 / vocab
    const float level = 1.0 / float(p.vocab);
    float sum = 0.0;
    for (uint t = lane; t < p.vocab; t += LS) {
        const float q = exp(logits[l0 + t] - top) / total;
        sum += q < 0.1 / total ? level : q;
    }
    sum = group_sum(sum);
#endif
    for (uint t = lane; t < p.vocab; t += LS) {
#if defined(MINP)
        const float q = exp(logits[l0 + t] - top) / total;
        const float now_log = log((q < 0.1 / total ? level : q) / sum);
#else
        const float now_log = logits[l0 + t] - top - log(total);
#endif
        const float then_log = first ? -log(float(p.vocab)) : previous[q0 + t];
        value += exp(then_log) * (then_log - now_log);
        previous[q0 + t] = now_log;
    }
    value = group_sum(value);
#else
#error no such criterion
#endif
#endif
    if (lane == 0) progress[g].value = value;
}
