package engine

import "muninn/shaders"

// activations follows the first half of Session.allocate.
func (p *planner) activations(o SessionOptions) {
	c, d := p.c, p.c.NEmbd
	tensor := func(part string, rows, cols int) uint64 {
		n := uint64(rows) * uint64(shaders.Padded(cols)) * 4
		p.line(MemoryScratch, part, n)
		p.sessionSpans = append(p.sessionSpans, n)
		return n
	}
	slots := o.Rows + o.Sequences
	inputs := tensor("activations", 2*slots, d) // State and Embeds
	switch {                                    // Older
	case o.Exits:
		inputs = max(inputs, tensor("activations", 2*slots, d))
	case o.Compares > 0:
		tensor("activations", slots, d)
	}
	if o.Compares > 0 {
		inputs = max(inputs, tensor("activations", o.Sequences*o.Compares, d)) // Kept
	}
	if o.Exits {
		tensor("activations", o.Sequences, c.PaddedVocabSize) // Previous
	}
	for range 3 { // Given, X, Y
		tensor("activations", o.Rows, d)
	}
	quant := shaders.QuantBytes(o.Rows, d) // of Y
	p.line(MemoryScratch, "activations", quant)
	p.sessionSpans = append(p.sessionSpans, quant)
	qkv := tensor("activations", o.Rows, 3*d)
	tensor("activations", o.Rows, shaders.Cache{Heads: c.NHeads, HeadDim: c.HeadDim}.QueryCols())
	tensor("activations", o.Rows, d) // Attn
	tensor("activations", o.Rows, d) // Proj
	hidden := tensor("activations", o.Rows, c.IntermediateSize)
	tensor("activations", o.Outputs, d)
	logits := tensor("logits", o.Outputs, c.PaddedVocabSize)
	tensor("activations", o.Sequences, d)
	parts, arrived := shaders.AttentionScratchBytes(c.NHeads, c.HeadDim, o.Context)
	groups := uint64(o.Sequences)
	table, counts := shaders.LiveBytes()
	for _, n := range []uint64{4, parts, arrived, groups * shaders.RuleBytes, groups * shaders.ProgressBytes,
		uint64(slots) * shaders.ChangeBytes, groups * maxChecks * 4, table, counts} { // allocateScratch
		p.sessionSpans = append(p.sessionSpans, n)
		p.line(MemoryScratch, "activations", n)
	}
	if n := max(inputs, qkv, hidden, logits); n > p.limit {
		p.fail("model: %d rows and %d outputs a pass need a buffer of %d bytes, %w of %d", o.Rows, o.Outputs, n, shaders.ErrBindingLimit, p.limit)
	}
}

// caches follows the second half of Session.allocate.
func (p *planner) caches(o SessionOptions, kv shaders.KVType) {
	c := p.c
	cells := o.Sequences * o.Context
	p.sessionSpans = append(p.sessionSpans, uint64(cells)*4)
	p.line(MemoryKV, "depths", uint64(cells)*4)
	p.layers("prelude", c.NLayersInPrelude, cells, 1, kv)
	p.layers("core", (c.NLayersInRecurrentBlock+o.Lookup.Blocks-1)/o.Lookup.Blocks, cells, coreSlots(o).Count(), kv)
	p.layers("coda", c.NLayersInCoda, cells, 1, kv)
}

// layers follows shaders.NewCache.
func (p *planner) layers(part string, n, cells, slots int, kv shaders.KVType) {
	heads := p.c.NHeads
	head := uint64(slots) * uint64(cells) * kv.HeadBytes(p.c.HeadDim)
	per := int(min(p.limit/head, uint64(heads)))
	if per == 0 {
		p.fail("model: %d slots of %d positions take %d bytes a head, %w of %d", slots, cells, head, shaders.ErrBindingLimit, p.limit)
		return
	}
	for range n {
		for h := 0; h < heads; h += per {
			shard := uint64(min(per, heads-h)) * head
			p.sessionSpans = append(p.sessionSpans, shard, shard) // keys, values
		}
	}
	p.line(MemoryKV, part, 2*uint64(n)*uint64(heads)*head)
}

// exchange follows exchange.allocate. What lies in host memory on a discrete GPU is no line of its own: it is small.
func (p *planner) exchange(o SessionOptions) {
	edits, compares := o.Outputs*min(o.Context, p.c.PaddedVocabSize), o.Sequences*o.Compares
	table, moves := o.Rows*shaders.RowBytes, o.Sequences*shaders.MoveBytes
	up := []int{table, table, table, table, o.Outputs * shaders.MoveBytes, moves, moves, o.Sequences * 4, o.Outputs * 4,
		o.Outputs * shaders.FilterBytes, edits * shaders.EditBytes, 4}
	onlyUp := []int{o.Sequences * shaders.RuleBytes, o.Sequences * shaders.ProgressBytes}
	down := []int{o.Outputs * shaders.ChoiceBytes}
	onlyDown := []int{o.Sequences * shaders.ProgressBytes}
	if compares > 0 {
		up, down = append(up, compares*shaders.PairBytes), append(down, compares*shaders.DistanceBytes)
	}
	for _, n := range append(up, onlyUp...) {
		p.upSpans = append(p.upSpans, uint64(n))
	}
	for _, n := range append(down, onlyDown...) {
		p.downSpans = append(p.downSpans, uint64(n))
	}
	for _, n := range append(up, down...) {
		p.sessionSpans = append(p.sessionSpans, uint64(n))
		p.line(MemoryScratch, "exchange", uint64(n))
	}
}
