// One entry of the row table: shaders.Row in Go.
struct Row {
    uint token;  // vocabulary id
    uint seq;    // which sequence's pages of the cache it has
    uint pos;    // position in the sequence
    uint step;   // core steps done
    uint key_lo; // key of the initial state's generator
    uint key_hi;
    float scale; // standard deviation of the initial state
    uint start;  // where the initial state comes from: START_*
    uint cell;   // row of the state and embeds tensors
    uint group;  // entry of the group table: rows that leave the core together
    float ema;   // how much of its old embeds a row begun again keeps; negative: it has none, they count as zero
    float mix;   // share of a fresh state mixed into the initial one
    float noise; // weight of the noise mixed into the state before a core step
    uint draw;   // which draw of noise, and 3 bits of how its weight falls
    uint sees;   // positions, from 0 on, that the row attends to
    uint last_only; // 1: all its steps share slot 0, as if it had taken one; of other positions it sees that slot
};
const uint START_DRAWN = 0; // from the generator
const uint START_GIVEN = 1; // from the caller's states, at the row's own index
const uint START_OWN = 2;   // the state stays as it is
const uint START_FROM = 3;  // START_FROM + 2 s: from carried state s; one more: from the state in cell s
