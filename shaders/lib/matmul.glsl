// The matmul kernels' common head: push constants and the way to a packed unit of weights.
#include "weight.glsl"
layout(push_constant) uniform Push {
    uint rows;     // rows of y from this shard
    uint row0;     // the first of them: its column in y
    uint units;    // units in a weight row
    uint n;        // rows of x
    uint x_stride; // float vectors in a row of x
    uint y_stride; // floats in a row of y
    uint scales;   // block formats: words before the scales in the shard
    uint embeds;   // adapter: float vectors from the state of a row to its embeds
    uint bias;     // adapter: 1 when there is a bias
    uint d;        // matmul with norm, swiglu with int8: columns of y
    float eps;     // matmul with norm
    uint groups;   // matmul with norm: workgroups of all shards for a tile of x
    uint first;    // workgroup of the shard that this dispatch begins with
    float lower0;  // formats with halves: 2^-lift of the first part's shard
    float lower1;  // and of the second's
    uint form;     // matmul with norm: RESIDUAL_*
} p;
// A kernel begins with LOWER: between stores lavapipe would read the factors again for each sum, 7 % of a prompt's matmul.
#ifdef LIFTED
#define LOWER const float lower0 = p.lower0, lower1 = p.lower1;
#define LOWERED(sum, part) ((sum) * ((part) == 0 ? lower0 : lower1))
#else
#define LOWER
#define LOWERED(sum, part) (sum)
#endif
#include "packed.glsl"
