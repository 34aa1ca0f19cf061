// The search of sample.comp for the smallest weight that stays, level by level.
// The weights of a bin of a level differ in as many bits.
uint shift(uint level) { return 20 - 10 * level; }
// How many of these are left out of sums, so that those over a whole vocabulary fit in 32 bits.
uint lost(uint level) { return uint(max(int(shift(level)) + findMSB(p.vocab - 1) - 31, 0)); }
uint bin_at(uint level, uint sums, uint bin) { return ((n * LEVELS + level) * 2 + sums) * BINS + bin; }

// What the weights of a bin add up to; they begin at these bits.
float bin_sum(uint level, uint bin, uint bits, uint number) {
    if (number == 0) return 0.0;
    const float least = uintBitsToFloat(bits);
    if (level == LEVELS - 1) return float(number) * least;
    const float unit = (uintBitsToFloat(bits + (1u << shift(level))) - least) / float(1u << shift(level));
    const float middle = 0.5 * float((1u << lost(level)) - 1); // of what is left out
    return float(number) * (least + middle * unit) + float(bins[bin_at(level, 1, bin)]) * (float(1u << lost(level)) * unit);
}

shared Cut found;
// The search one level on. From the highest weight down, the bin in which the number reaches top-k, or the sum exceeds the
// budget; whichever comes first makes the cut, and the other does not matter.
Cut search(Cut c, uint level) {
    const uint each = BINS / LS, high = BINS - 1 - i * each; // an invocation has bins from `high` down
    const uint base = level == 0 ? 0 : c.from;
    const bool sums = (c.sought & TOP_P) != 0;
    uint numbers = 0;
    float sum = 0.0;
    for (uint j = 0; j < each; j++) {
        const uint b = high - j, number = bins[bin_at(level, 0, b)];
        numbers += number;
        if (sums) sum += bin_sum(level, b, base + (b << shift(level)), number);
    }
    uint above = numbers;
    float over = sum;
    scan(above, over);
    if (level == 0) c.budget = f.top_p * all_sum;
    const bool reached = (c.sought & TOP_K) != 0 && c.above + above >= f.top_k, exceeded = sums && c.sum + over > c.budget;
    const uint lane = first_of(reached || exceeded);
    if (lane == LS) { // rounding: all of the bin is kept
        c.sought = 0;
        return c;
    }
    if (i == lane) {
        Cut r = c;
        uint before = c.above + above - numbers, sought = 0;
        float sum_before = c.sum + (over - sum);
        for (uint j = 0; j < each && sought == 0; j++) {
            const uint b = high - j, number = bins[bin_at(level, 0, b)];
            if (number == 0) continue;
            r.from = base + (b << shift(level));
            r.above = before;
            r.sum = sum_before;
            before += number;
            if (sums) sum_before += bin_sum(level, b, r.from, number);
            if (before >= f.top_k) sought |= c.sought & TOP_K;
            if (sum_before > c.budget) sought |= c.sought & TOP_P;
        }
        r.sought = sought == 0 ? TOP_P : sought; // sums that are rounded otherwise than in the scan end at the last bin that has any
        if (level == LEVELS - 1) {
            if ((r.sought & TOP_P) != 0) {
                const float w = uintBitsToFloat(r.from);
                r.tie = r.from++;
                r.ties = w > 0.0 ? uint(max((c.budget - r.sum) / w, r.above == 0 ? 1.0 : 0.0)) : 0;
            }
            r.sought = 0;
        }
        found = r;
    }
    barrier();
    return found;
}

// The cut as the levels before this one leave it. One workgroup keeps it for the next.
Cut cut_at(uint level) {
    Cut c = Cut(0, 0, 0, 0.0, 0.0, 0, 0, 0);
    if (f.top_k > 0 && f.top_k < p.vocab) c.sought |= TOP_K;
    if (f.top_p > 0.0 && f.top_p < 1.0) c.sought |= TOP_P;
    if (level == 0 || c.sought == 0) return c;
    if (level > 1) c = cuts[n * LEVELS + level - 2];
    if (c.sought != 0) c = search(c, level - 1);
    return c;
}
void keep(Cut c, uint level) {
    if (i == 0 && gl_WorkGroupID.x == 0) cuts[n * LEVELS + level - 1] = c;
}
