// Which KV slot holds a core step. Steps below `anchor` have a slot each, later ones share `period`
// slots in turn; an uncompressed cache has anchor 0 and a period of all its steps.
uint slot_of(uint step, uint anchor, uint period) {
    return step < anchor ? step : anchor + (step - anchor) % period;
}
