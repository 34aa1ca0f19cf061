// What an exit gate has made of a row since its run began: shaders.ExitGate in Go.
struct ExitGate {
    float survival; // how likely the row is still there
    float exits;    // how likely it left at the last step
    float cdf;      // how likely it has left by now
    float logit;    // at the last step
    uint read;      // core steps behind the state that is read
};
// Which state is read of a group's rows: shaders.Readout in Go.
struct Readout {
    uint mode;
    uint step;
    float threshold;
};
const uint READ_LAST = 0;
const uint READ_AT = 1;       // after so many steps
const uint READ_EXIT = 2;     // the first with a cdf at the threshold or above
const uint READ_WEIGHTED = 3; // the sum over the steps, each by how likely the row leaves there
