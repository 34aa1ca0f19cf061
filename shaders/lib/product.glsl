// The product kernels' common head: push constants and the choice of shape.
#include "weight.glsl"
layout(push_constant) uniform Push {
    uint rows;     // weight rows in this shard
    uint row0;     // the shard's first row: its column in y
    uint units;    // 16-byte units in a weight row
    uint n;        // rows of x
    uint x_stride; // float vectors in a row of x
    uint y_stride; // floats in a row of y
    uint split;    // adapter: float vectors of k that come from the state
    uint bias;     // adapter: 1 when there is a bias
} p;
