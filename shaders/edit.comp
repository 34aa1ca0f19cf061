#version 450
// Changes single logits in place: penalties and biases. The tokens of one row are distinct. Each edit keeps the logit as it was
// in the place of what was added, from which the same edits are undone.
layout(local_size_x = 64) in;
struct Edit {
    uint row, token;
    float scale; // a negative logit is multiplied by it, another divided
    float add;   // then the logit as it was
};
layout(set = 0, binding = 0) buffer E { Edit edits[]; }; // [capacity], the first `count` are used
layout(set = 0, binding = 1) readonly buffer N { uint count[]; }; // [1]
layout(set = 0, binding = 2) buffer L { float logits[]; };        // [n][stride]
layout(push_constant) uniform Push { uint stride, undo; } p;

void main() {
    const uint i = gl_GlobalInvocationID.x;
    if (i >= count[0]) return;
    const Edit e = edits[i];
    const uint at = e.row * p.stride + e.token;
    if (p.undo != 0) {
        logits[at] = e.add;
        return;
    }
    const float l = logits[at];
    logits[at] = (l < 0.0 ? l * e.scale : l / e.scale) + e.add;
    edits[i].add = l;
}
