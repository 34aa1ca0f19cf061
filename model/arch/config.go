// Package arch knows the families of recurrent-depth models: what config.json says, which tensors there are, how a chat is laid out.
// Its README says how a family is added, and has what the fields of Config are in each.
package arch

import (
	"cmp"
	"fmt"
)

// Config is a model's shape as config.json says it, checked: every field is in its range and the fields agree with each
// other. Field names follow Huginn's reference (seal-rg/recurrent-pretraining, recpre/raven_config_minimal.py).
type Config struct {
	Family *Family // nil: Huginn

	NEmbd    int // width d of the residual stream
	NHeads   int
	NKVHeads int // heads of keys and values, a divisor of NHeads; 0: NHeads
	HeadDim  int // even; NEmbd / NHeads in most

	NLayersInPrelude        int // P
	NLayersInRecurrentBlock int // R, core blocks of one step
	NLayersInCoda           int // C
	Cycles                  int // passes of the first of two stacks in a core step: see Passes; 0: there is one stack

	IntermediateSize int // inner width of the gated MLP
	VocabSize        int // ids the tokenizer may use
	PaddedVocabSize  int // rows of wte and of the head, at least VocabSize
	BlockSize        int // positions the model was made for
	MeanRecurrence   int // default number of core steps

	Block       BlockForm
	FinalNorm   FinalNorm
	Start       Start
	PrefixLM    bool    // the tokens of a prompt may see each other
	EmbedFactor float64 // on embedding rows; 0: the family's own
	InitStd     float64 // deviation of a drawn state; 0: the family's own

	ExitThreshold float64 // the exit gate's: a row leaves once it has had enough with that probability; 0: off
	ExitStep      int     // the core step after which every row leaves; 0: none

	RopeBase    float64
	RopeScaling RopeScaling
	NormEps     float64

	TieEmbeddings bool // the head is wte
	Bias          bool // the adapter has a bias; nothing else ever has
	QKBias        bool // queries and keys get a learned bias before rope
	Unfused       bool // the matrices of HRM-Text's layers are stored apart
}

// Ranges of config values. They are wide enough for any model one machine can hold and narrow enough that no product of
// them overflows 64 bits (the largest tensor has under 2^40 elements).
const (
	MaxEmbd      = 1 << 17
	maxHeads     = 1 << 12
	maxHeadDim   = 1 << 10
	MaxLayers    = 512
	MaxInner     = 1 << 20
	MaxVocab     = 1 << 20
	MaxBlockSize = 1 << 24
	MaxRecur     = 1 << 16
)

// StateStd is the standard deviation of an element of the initial state before EmbedScale, where the family draws it.
func (c Config) StateStd() float64 {
	if c.InitStd != 0 {
		return c.InitStd
	}
	return c.family().StateStd(c)
}

// EmbedScale is the factor on embedding rows and initial states.
func (c Config) EmbedScale() float64 {
	if c.EmbedFactor != 0 {
		return c.EmbedFactor
	}
	return c.family().EmbedScale(c)
}

// TensorSpecs is the table of tensors that a checkpoint of this shape has.
func (c Config) TensorSpecs() Table { return c.family().Tensors(c) }

// Adapter tells whether the core is given the embeds at every step, through the adapter.
func (c Config) Adapter() bool { return c.holds(PartAdapter, RoleAdapter) }

// holds tells whether the model has a tensor outside its blocks. A table without these is a short one, for what every task asks.
func (c Config) holds(part Part, role Role) bool {
	c.NLayersInPrelude, c.NLayersInRecurrentBlock, c.NLayersInCoda = 0, 0, 0
	return len(c.TensorSpecs().Pieces(part, 0, role)) > 0
}

// StartsDrawn tells whether the core starts from a drawn state; else it starts from the embeds.
func (c Config) StartsDrawn() bool { return c.Start == StartDrawn }

// ExitGate tells whether the model has a gate that says after each core step whether a row may leave.
func (c Config) ExitGate() bool { return c.holds(PartExitGate, RoleExitGate) }

// FamilyName is the name of the config's family.
func (c Config) FamilyName() string { return c.family().Name }

// family is the config's family; that of shapes without one is Huginn.
func (c Config) family() *Family {
	return cmp.Or(c.Family, Huginn)
}

// Layers is the number of distinct blocks: prelude, core and coda.
func (c Config) Layers() int {
	return c.NLayersInPrelude + c.NLayersInRecurrentBlock + c.NLayersInCoda
}

// Params is the number of parameters of the model; a tied head is counted once.
func (c Config) Params() (n int64) {
	for _, spec := range c.TensorSpecs() {
		if spec.Part != PartHead || !c.TieEmbeddings {
			n += spec.Elements()
		}
	}
	return n
}

// String is the shape in one line, for logs and errors.
func (c Config) String() string {
	heads := fmt.Sprintf("%d heads", c.NHeads)
	if c.KVHeads() != c.NHeads {
		heads += fmt.Sprintf(" (%d of keys)", c.KVHeads())
	}
	return fmt.Sprintf("%s %d/%d/%d, width %d, %s, mlp %d, vocabulary %d", c.family().Name, c.NLayersInPrelude,
		c.NLayersInRecurrentBlock, c.NLayersInCoda, c.NEmbd, heads, c.IntermediateSize, c.PaddedVocabSize)
}
