// Where the cache has a position: shaders.Pages in Go, whose words a kernel reads by WORD. p is its push block.
const uint PAGE = 32; // positions in a page

// A position among those of the pool of its own pages, which depths and layers with one slot lie in.
uint own_cell(uint seq, uint pos) { return WORD(seq * p.pages + pos / PAGE) * PAGE + pos % PAGE; }
// A position among those of the pool of this cache, in a slot.
uint cell_in(uint slot, uint seq, uint pos) {
    return WORD(p.table + (seq * (p.anchor + p.period) + slot) * p.pages + pos / PAGE) * PAGE + pos % PAGE;
}
