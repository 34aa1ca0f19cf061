package engine

import (
	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine/weights"
	"muninn/shaders"
	"muninn/vk"
)

// onDevice is what a session has on the device: activations, caches, counters, and what is handed over.
type onDevice struct {
	mem       *weights.Memory
	buf       buffers
	prelude   []shaders.Cache
	core      []shaders.Cache // of a core step's passes, block by block
	rope      vk.Span         // (context, h/2, 2) float32: cos, sin
	coda      []shaders.Cache
	pages     shaders.Pages
	groups    shaders.Groups
	live      *shaders.Live
	io        exchange
	arrived   vk.Span // [1] counter of MatMulNorm
	attention shaders.AttentionScratch
	picking   shaders.PickScratch
	half      vk.Span // rows of a matmul in half precision; zero: the device has no use for them
}

// newOnDevice allocates a session for a model of a shape; what went wrong, the memory keeps.
func newOnDevice(mem *weights.Memory, c arch.Config, o SessionOptions) *onDevice {
	x := &onDevice{mem: mem}
	x.activations(c, o)
	x.scratch(c, o)
	mem.As(weights.MemoryKV, "pages")
	units, coreUnits := o.units()
	x.pages = mem.Pages(o.Sequences, o.Context, units, coreUnits, coreSlots(o))
	layers := func(part string, n int, slots shaders.Slots) (list []shaders.Cache) {
		mem.As(weights.MemoryKV, part)
		for range n {
			list = append(list, mem.Cache(c, o.KV, slots, x.pages))
		}
		return list
	}
	one := shaders.Slots{Period: 1}
	x.prelude = layers("prelude", c.NLayersInPrelude, one)
	blocks := c.StepBlocks()
	shared := layers("core", (blocks+o.Lookup.Blocks-1)/o.Lookup.Blocks, coreSlots(o))
	if mem.Err == nil {
		for i := range blocks {
			x.core = append(x.core, shared[i/o.Lookup.Blocks])
		}
	}
	x.coda = layers("coda", c.NLayersInCoda, one)
	x.ropeTable(c, o.Context)
	mem.As(weights.MemoryScratch, "exchange")
	x.io.allocate(mem, o, min(o.Context+decode.MostBias, c.PaddedVocabSize), x.groups, x.buf.Given.Span)
	mem.As(weights.MemoryScratch, "")
	return x
}

// ropeTable makes the table of the angles of all positions.
func (x *onDevice) ropeTable(c arch.Config, context int) {
	x.mem.As(weights.MemoryScratch, "rope table")
	x.rope = x.mem.Span(uint64(context*c.HeadDim) * 4)
	if x.mem.Err == nil && x.mem.Dev != nil {
		x.mem.Err = x.mem.Dev.WriteFunc(x.rope, weights.RopeTable(c))
	}
}

func (x *onDevice) activations(c arch.Config, o SessionOptions) {
	b, d, tensor := &x.buf, c.NEmbd, x.mem.Tensor
	x.mem.As(weights.MemoryScratch, "activations")
	b.Inputs = tensor(2*o.cells(), d)
	if o.Exits {
		b.Older = tensor(2*o.cells(), d)
	} else if o.Compares > 0 {
		b.Older = tensor(o.cells(), d)
	}
	if o.Compares > 0 {
		b.Kept = tensor(o.Sequences*o.Compares, d)
	}
	if o.Exits {
		b.Previous = tensor(o.Sequences, c.PaddedVocabSize)
	}
	if o.Readouts {
		b.Read = tensor(o.cells(), d)
	}
	b.Given, b.X, b.Y = tensor(o.Rows, d), tensor(o.Rows, d), tensor(o.Rows, d)
	b.Y.Int8 = x.mem.Span(shaders.Int8Bytes(o.Rows, d))
	b.QKV = tensor(o.Rows, c.QKVWidth())
	b.Q = tensor(o.Rows, shaders.QueryCols(c.NHeads, c.HeadDim))
	b.Attn, b.Proj, b.Hidden = tensor(o.Rows, c.QueryWidth()), tensor(o.Rows, d), tensor(o.Rows, c.IntermediateSize)
	x.mem.Int8(&b.Attn)
	x.mem.Int8(&b.Hidden)
	b.Out, b.Carry = tensor(o.logits(), d), tensor(o.Sequences, d)
	x.mem.As(weights.MemoryScratch, "logits")
	b.Logits = tensor(o.logits(), c.PaddedVocabSize)
	if x.mem.Err == nil {
		b.State, b.Embeds = b.Inputs.From(0, o.cells()), b.Inputs.From(o.cells(), o.cells())
	}
}

// scratch is what operations share between workgroups. Counters begin at zero.
func (x *onDevice) scratch(c arch.Config, o SessionOptions) {
	m, n := x.mem, uint64(o.Sequences)
	parts, arrived := shaders.AttentionScratchBytes(c.NHeads, c.HeadDim, o.Context)
	m.As(weights.MemoryScratch, "activations")
	x.arrived = m.Zeroed(4)
	x.half = m.Halves(o.Rows, max(2*shaders.Padded(c.NEmbd), c.QueryWidth(), c.IntermediateSize))
	x.attention = shaders.AttentionScratch{Parts: m.Span(parts), Arrived: m.Zeroed(arrived)}
	x.picking = shaders.NewPickScratch(o.logits(), c.PaddedVocabSize, m.Zeroed)
	x.groups = shaders.Groups{N: o.Sequences, Checks: maxChecks, Rules: m.Zeroed(n * shaders.RuleBytes), Progress: m.Zeroed(n * shaders.ProgressBytes),
		Change: m.Span(uint64(o.cells()) * shaders.ChangeBytes), Values: m.Span(n * maxChecks * 4)}
	if o.Readouts || o.Exits && c.ExitGate() {
		x.groups.Gates = m.Zeroed(uint64(o.cells()) * shaders.ExitGateBytes)
	}
	if m.Err == nil {
		x.live, m.Err = shaders.NewLive(m.Dev, m.Arena)
	}
}

// maxChecks is how many values of a criterion are kept of a task, for those who want to see them.
const maxChecks = 256

// coreSlots is the strategy as the kernels take it: no more slots than the deepest row needs.
func coreSlots(o SessionOptions) shaders.Slots {
	slots := o.Lookup.Slots
	if o.Lookup.Period == decode.Uncompressed {
		slots.Period = o.Lookup.Stored(max(o.MaxSteps, 1))
	}
	return slots
}
