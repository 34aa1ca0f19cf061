// The way to a packed unit of a weight buffer, which is declared twice: as the units' words and as the scales behind
// them. p is the kernel's push block.
#ifdef BLOCKS
float unit_scale(uint two, uint unit) { // of the word that holds the unit's block and its neighbour
    return half_pair(two >> (unit * UNIT / 32 % 2 * 16)).x;
}
#ifdef WIDE // whose lanes have rows of their own: a row is where its units and its scales begin, reckoned once
#define WIDE_ROW(row) uvec2((row) * p.units, p.scales + (row) * (p.units / (64 / UNIT)))
#define PACKED(into, words, scale_words, row, unit)                                          \
    {                                                                                        \
        into.q = FOUR(words, (row).x + (unit));                                              \
        into.d = half_pair(ONE(scale_words, (row).y + (unit) / (64 / UNIT)) >> ((unit) / (32 / UNIT) % 2 * 16)).x; \
    }
#else
#define PACKED(into, words, scale_words, row, unit)                                                                        \
    {                                                                                                                      \
        into.q = FOUR(words, (row) * p.units + (unit));                                                                          \
        into.d = unit_scale(ONE(scale_words, p.scales + (row) * (p.units * UNIT / 64) + (unit) * UNIT / 64), unit);             \
    }
#endif
#else
#ifdef WIDE
#define WIDE_ROW(row) ((row) * p.units)
#define PACKED(into, words, scale_words, row, unit) { into.q = FOUR(words, (row) + (unit)); }
#else
#define PACKED(into, words, scale_words, row, unit) { into.q = FOUR(words, (row) * p.units + (unit)); }
#endif
#endif
