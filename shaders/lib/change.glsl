// How a row's state s changed against the one looked at before, s', and the one before that, s'': sums over its elements.
// shaders.Change in Go.
struct Change {
    float now;    // s^2
    float before; // s'^2
    float both;   // s s'
    float first;  // (s - s')^2
    float second; // (s - 2 s' + s'')^2
};
