// Which KV slot holds a core step: `every` steps on end share a slot; of these runs the first `anchor` have a slot each,
// later ones share `period` slots in turn. An uncompressed cache has every 1, anchor 0 and a period of all its steps.
uint slot_of(uint step, uint every, uint anchor, uint period) {
    const uint run = step / every;
    return run < anchor ? run : anchor + (run - anchor) % period;
}
// Which of a row's slots its running step is in.
uint own_slot(Row row, uint every, uint anchor, uint period) { return row.last_only != 0 ? 0 : slot_of(row.step, every, anchor, period); }
// How many slots a position of that depth has written. CPU devices divide integers lane by lane; this quotient is half a step from
// the next whole number, which no rounding makes up for below a million steps.
uint slots_stored(uint depth, uint every, uint anchor, uint period) {
    return min(uint((float(depth + every - 1) + 0.5) / float(every)), anchor + period);
}
