// One entry of the row table: shaders.Row in Go.
struct Row {
    uint token;  // vocabulary id
    uint base;   // first KV cell of the row's sequence
    uint pos;    // position in the sequence; the row's KV cell is base + pos
    uint step;   // core steps done
    uint key_lo; // key of the initial state's generator
    uint key_hi;
    float scale; // standard deviation of the initial state
    uint start;  // where the initial state comes from: START_*
};
const uint START_DRAWN = 0;   // from the generator
const uint START_GIVEN = 1;   // from the caller's states, at the row's own index
const uint START_CARRIED = 2; // START_CARRIED + s: from carried state s
