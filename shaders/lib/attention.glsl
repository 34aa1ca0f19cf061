// What the attention kernels share: push constants, where a position's key and value are, and the gate on the output.
layout(push_constant) uniform Push {
    uint n;      // rows
    uint heads;  // of keys and values in the shard
    uint group;  // query heads that share one of them
    uint head0;  // the shard's first query head
    uint heads_all, h; // query heads of the model, and their size
    uint hv;     // float vectors in a head of q
    uint hu;     // uvec4 in a head of k and v
    uint scales; // q8: words before the scales in the shard's keys
    uint stride; // floats in a row of y
    uint pages;  // of a sequence
    uint table, depths; // words before this cache's table, and before the depths
    uint every, anchor, period; // slot_of
    uint rule;   // 0: one slot, always there; 1: full; 2: latest; 3: always-last
    float scale; // 1 / sqrt(h)
    uint q_stride; // float vectors in a row of q
    uint segment;  // positions in a segment, a multiple of LS
    uint split;    // segments that have workgroups of their own; 0: none
    uint gate_stride, gate_at; // floats in a row of gates, 0: there are none; the first one's column
    uint tiles, abreast, high; // staged: workgroups for the query heads of a key head, heads that each takes, rows
} p;

#include "pages.glsl"

const uint NONE = 0xffffffffu;
const float LEAST = -1e38; // below every score

// How many slots are stored of a position with such an own cell.
uint stored_of(uint cell) { return slots_stored(WORD(p.depths + cell), p.every, p.anchor, p.period); }

// The slot that holds what a reader at slot `own` sees of a position with such an own cell, or NONE.
uint lookup(uint own, uint cell, bool missing) {
    if (RULE == 0) return 0;
    const uint stored = stored_of(cell);
    if (RULE == 1) return stored > own ? own : NONE;
    if (stored == 0) return NONE;
    if (RULE == 2) return min(own, stored - 1);
    return missing ? stored - 1 : own;
}

// Element `column` of row n's output behind its gate. exp(-g) may overflow to infinity; the quotient is then 0, as it should be.
float gated(float v, uint n, uint column) {
    return !GATED ? v : v / (1.0 + exp(-gate[n * p.gate_stride + p.gate_at + column]));
}

// Rows share what is loaded, of which some see less than others: 0 times what is not finite is none. When a result is not, its rows go again, one by one.
bool finite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }
bool finite(vec4 x) { return finite(x.x) && finite(x.y) && finite(x.z) && finite(x.w); }

// Where the key or value of a position's head begins, in uvec4. Layers with one slot lie where the positions' own cells do.
uint place(uint slot, uint cell, uint seq, uint pos, uint head) {
    if (RULE != 0) cell = cell_in(slot, seq, pos);
    return (cell * p.heads + head) * p.hu;
}
