package engine

import (
	"fmt"

	"muninn/model/decode"
	"muninn/shaders"
	"muninn/vk"
)

func (s *Session) allocate() error {
	c, o, dev := s.m.Config, s.opt, s.m.dev
	s.arena = dev.NewArena("session", vk.DeviceLocal)
	s.up = dev.NewArena("upload", vk.Upload)
	s.down = dev.NewArena("readback", vk.Readback)

	var err error
	tensor := func(t *shaders.Tensor, rows, cols int) {
		if err == nil {
			*t, err = shaders.NewTensor(s.arena, rows, cols)
		}
		if err == nil {
			err = dev.Fill(t.Span, 0) // the padding stays zero from here on
		}
	}
	b, d := &s.buf, c.NEmbd
	tensor(&b.Inputs, 2*s.cells(), d)
	if o.Exits {
		tensor(&b.Older, 2*s.cells(), d)
	} else if o.Compares > 0 {
		tensor(&b.Older, s.cells(), d)
	}
	if o.Compares > 0 {
		tensor(&b.Kept, o.Sequences*o.Compares, d)
	}
	if o.Exits {
		tensor(&b.Previous, o.Sequences, c.PaddedVocabSize)
	}
	tensor(&b.Given, o.Rows, d)
	tensor(&b.X, o.Rows, d)
	tensor(&b.Y, o.Rows, d)
	if err == nil {
		b.Y.Quant, err = s.arena.Alloc(shaders.QuantBytes(o.Rows, d))
	}
	tensor(&b.QKV, o.Rows, 3*d)
	tensor(&b.Q, o.Rows, shaders.Cache{Heads: c.NHeads, HeadDim: c.HeadDim}.QueryCols())
	tensor(&b.Attn, o.Rows, d)
	tensor(&b.Proj, o.Rows, d)
	tensor(&b.Hidden, o.Rows, c.IntermediateSize)
	tensor(&b.Out, o.Outputs, d)
	tensor(&b.Logits, o.Outputs, c.PaddedVocabSize)
	tensor(&b.Carry, o.Sequences, d)
	if err != nil {
		return err
	}
	b.State, b.Embeds = b.Inputs.From(0, s.cells()), b.Inputs.From(s.cells(), s.cells())
	if err := s.allocateScratch(); err != nil {
		return err
	}
	if limit := dev.Caps().ShardLimit(); max(b.Logits.Span.Size(), b.Inputs.Span.Size(), b.Older.Span.Size(), b.Kept.Span.Size(), b.Hidden.Span.Size(), b.QKV.Span.Size()) > limit {
		return fmt.Errorf("model: %d rows and %d outputs a pass need a buffer %w of %d bytes: use fewer", o.Rows, o.Outputs, shaders.ErrBindingLimit, limit)
	}

	cells := o.Sequences * o.Context
	depth, err := s.arena.Alloc(uint64(cells) * 4)
	if err != nil {
		return err
	}
	if err := dev.Fill(depth, 0); err != nil {
		return err
	}
	layers := func(n int, slots shaders.Slots) (list []shaders.Cache, err error) {
		for range n {
			l, err := shaders.NewCache(s.arena, c.NHeads, c.HeadDim, cells, o.KV, slots, depth, dev.Caps().ShardLimit())
			if err != nil {
				return nil, err
			}
			list = append(list, l)
		}
		return list, nil
	}
	one := shaders.Slots{Period: 1, Rule: shaders.RuleOne}
	if s.prelude, err = layers(c.NLayersInPrelude, one); err != nil {
		return err
	}
	shared, err := layers((c.NLayersInRecurrentBlock+o.Lookup.Blocks-1)/o.Lookup.Blocks, coreSlots(o))
	if err != nil {
		return err
	}
	for i := range c.NLayersInRecurrentBlock {
		s.core = append(s.core, shared[i/o.Lookup.Blocks])
	}
	if s.coda, err = layers(c.NLayersInCoda, one); err != nil {
		return err
	}
	return s.io.allocate(s)
}

// allocateScratch takes what operations share between workgroups. Counters begin at zero.
func (s *Session) allocateScratch() error {
	c := s.m.Config
	parts, arrived := shaders.AttentionScratchBytes(c.NHeads, c.HeadDim, s.opt.Context)
	g := &s.groups
	g.N, g.Checks = s.opt.Sequences, maxChecks
	for _, a := range []struct {
		span *vk.Span
		n    uint64
		zero bool
	}{{&s.arrived, 4, true}, {&s.attention.Parts, parts, false}, {&s.attention.Arrived, arrived, true},
		{&g.Rules, uint64(g.N) * shaders.RuleBytes, true}, {&g.Progress, uint64(g.N) * shaders.ProgressBytes, true},
		{&g.Change, uint64(s.cells()) * shaders.ChangeBytes, false}, {&g.Values, uint64(g.N) * maxChecks * 4, false}} {
		var err error
		if *a.span, err = s.arena.Alloc(a.n); err != nil {
			return err
		}
		if a.zero {
			if err := s.m.dev.Fill(*a.span, 0); err != nil {
				return err
			}
		}
	}
	var err error
	s.live, err = shaders.NewLive(s.m.dev, s.arena)
	return err
}

// maxChecks is how many values of a criterion are kept of an ask, for those who want to see them.
const maxChecks = 256

// coreSlots is the strategy as the kernels take it: no more slots than the deepest row needs.
func coreSlots(o SessionOptions) shaders.Slots {
	slots := shaders.Slots{Every: o.Lookup.Every, Anchor: o.Lookup.Anchor, Period: o.Lookup.Period, Rule: shaders.Rule(o.Lookup.Rule)}
	if o.Lookup.Period == decode.Uncompressed {
		slots.Period = o.Lookup.Slots(max(o.MaxSteps, 1))
	}
	return slots
}
