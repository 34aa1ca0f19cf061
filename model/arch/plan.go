package arch

import "math"

// Norms says where a block has norms around f, its attention or its MLP.
type Norms int

// The places of norms. Sandwich is Huginn's.
const (
	NormsSandwich Norms = iota // x = after(f(before(x)) + x)
	NormsInside                // x = x + after(f(before(x)))
	NormsBefore                // x = x + f(before(x))
	NormsAfter                 // x = x + after(f(x))
)

// HasBefore tells whether f's input is normed.
func (n Norms) HasBefore() bool { return n != NormsAfter }

// HasAfter tells whether what f gives is normed, or its sum with x.
func (n Norms) HasAfter() bool { return n != NormsBefore }

// FinalNorm says what the norm outside the blocks, PartNorm, is for.
type FinalNorm int

// The places of the final norm.
const (
	NormAroundCoda FinalNorm = iota // after the last core step, and again after the coda
	NormLast                        // before the head
	NormEachPass                    // after every pass over core blocks; nothing follows the last but the head
)

// Start is what a row's core starts from.
type Start int

// The starts.
const (
	StartDrawn      Start = iota // a drawn state
	StartEmbeds                  // the embeds
	StartEmbedsOnly              // the embeds, which the first step takes as they are: it leaves the adapter out
)

// RopeScaling is how Llama 3 stretches rope's frequencies; zero: not at all.
type RopeScaling struct {
	Factor    float64 // of what is slow
	Low, High float64 // turns over Original positions below which all of it counts, and above which none
	Original  float64 // positions that the model was first trained for
}

// BlockForm says how a block differs from Huginn's, which is the zero value.
type BlockForm struct {
	Norms      Norms
	Weightless bool // norms, the final one too, have no weights
	QKNorm     bool // q and k are normed, each over all its heads, before rope
	Gate       bool // attention's output is multiplied by the sigmoid of a gate, a further part of Wqkv
	Halves     bool // rope turns a head's element i with element i + HeadDim/2; else neighbours
}

// Pass is a run of core blocks that a core step goes through.
type Pass struct {
	First, Blocks int
	Second        bool // its result is the second state; else the state
}

// Passes lists a core step. With Cycles, the core is two stacks of equal length that take turns: the first goes over the sum of both
// states Cycles times and gives the second state, the second stack goes over their sum once and gives the state.
func (c Config) Passes() []Pass {
	n := c.NLayersInRecurrentBlock
	if c.Cycles == 0 {
		return []Pass{{Blocks: n}}
	}
	var passes []Pass
	for range c.Cycles {
		passes = append(passes, Pass{Blocks: n / 2, Second: true})
	}
	return append(passes, Pass{First: n / 2, Blocks: n / 2})
}

// StepBlocks is how many blocks a core step runs.
func (c Config) StepBlocks() (n int) {
	for _, p := range c.Passes() {
		n += p.Blocks
	}
	return n
}

// Runs is how often a core step runs a core block.
func (c Config) Runs(block int) (n int) {
	for _, p := range c.Passes() {
		if block >= p.First && block < p.First+p.Blocks {
			n++
		}
	}
	return n
}

// MostSteps is the core steps that a model was trained for, of those that get worse beyond; 0: it takes more, and settles.
func (c Config) MostSteps() int {
	if c.Adapter() {
		return 0
	}
	return c.MeanRecurrence
}

// KVHeads is the number of heads of keys and values, each of which serves as many query heads.
func (c Config) KVHeads() int {
	if c.NKVHeads == 0 {
		return c.NHeads
	}
	return c.NKVHeads
}

// QueryWidth is the length of all query heads, and of attention's output.
func (c Config) QueryWidth() int { return c.NHeads * c.HeadDim }

// KeyWidth is the length of all heads of keys.
func (c Config) KeyWidth() int { return c.KVHeads() * c.HeadDim }

// QKVWidth is the length of what Wqkv gives: q, k, v, and the gate.
func (c Config) QKVWidth() int {
	n := c.QueryWidth() + 2*c.KeyWidth()
	if c.Block.Gate {
		n += c.QueryWidth()
	}
	return n
}

// RopeAngle returns the cosine and sine by which rope turns pair i of a head at a position.
func (c Config) RopeAngle(position, i int) (cos, sin float64) {
	sin, cos = math.Sincos(float64(position) * c.RopeFrequency(i))
	return cos, sin
}

// RopeFrequency returns how far rope turns pair i of a head from a position to the next, in radians.
func (c Config) RopeFrequency(i int) float64 {
	f := math.Pow(c.RopeBase, -2*float64(i)/float64(c.HeadDim))
	if s := c.RopeScaling; s.Factor != 0 {
		wave := 2 * math.Pi / f
		slow := (s.Original/wave - s.Low) / (s.High - s.Low) // 0 and below: all of the factor counts; 1 and above: none
		slow = min(max(slow, 0), 1)
		f = (1-slow)*f/s.Factor + slow*f
	}
	return f
}
