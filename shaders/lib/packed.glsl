// The way to a packed unit of a weight buffer, which is declared twice: as the units' words and as the scales behind
// them. p is the kernel's push block.
#ifdef BLOCKS
float unit_scale(uint two, uint unit) { // of the word that holds the unit's block and its neighbour
    return half_pair(two >> (unit * UNIT / 32 % 2 * 16)).x;
}
#define PACKED(into, words, scale_words, row, unit)                                                                        \
    {                                                                                                                      \
        into.q = FOUR(words, (row) * p.units + (unit));                                                                          \
        into.d = unit_scale(ONE(scale_words, p.scales + (row) * (p.units * UNIT / 64) + (unit) * UNIT / 64), unit);             \
    }
#else
#define PACKED(into, words, scale_words, row, unit) { into.q = FOUR(words, (row) * p.units + (unit)); }
#endif
