// Package arch knows the families of recurrent-depth models: what config.json says, which tensors there are, how a chat is laid out.
package arch

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"muninn/model/internal/strict"
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
func (c Config) Adapter() bool { return len(c.TensorSpecs().Pieces(PartAdapter, 0, RoleAdapter)) > 0 }

// StartsDrawn tells whether the core starts from a drawn state; else it starts from the embeds.
func (c Config) StartsDrawn() bool { return c.Start == StartDrawn }

// ExitGate tells whether the model has a gate that says after each core step whether a row may leave.
func (c Config) ExitGate() bool {
	return len(c.TensorSpecs().Pieces(PartExitGate, 0, RoleExitGate)) > 0
}

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
	return fmt.Sprintf("%s %d/%d/%d, width %d, %d heads, mlp %d, vocabulary %d", c.family().Name, c.NLayersInPrelude,
		c.NLayersInRecurrentBlock, c.NLayersInCoda, c.NEmbd, c.NHeads, c.IntermediateSize, c.PaddedVocabSize)
}

// Shape is a model without weights.
type Shape struct {
	Name  string
	Says  string // what it stands for
	Steps int    // num_steps that it is measured at
	Config
}

// Shapes are those that have names.
var Shapes = []Shape{
	shapeOf("tiny", "4 layers of width 64", 32, 64, 2, 160, 384, 1, 2, 1),
	shapeOf("tinyloop", "a usual stand-in for looped models in other engines", 8, 1024, 16, 2816, 4096, 2, 4, 2),
	tied(shapeOf("huginn", "Huginn-0125 whole, 3.56 G weights", 32, 5280, 55, 17920, 65536, 2, 4, 2)),
	shapeOf("huginn-core", "its core block alone, 1.65 G weights with a vocabulary of 1024", 1, 5280, 55, 17920, 1024, 0, 4, 0),
}

// ShapeForm is how a shape without a name is written.
const ShapeForm = "n_embd,heads,ff,vocab,P,R,C"

func shapeOf(name, says string, steps, embd, heads, ff, vocab, prelude, core, coda int) Shape {
	return Shape{name, says, steps, Config{
		NEmbd: embd, NHeads: heads, HeadDim: embd / max(heads, 1), IntermediateSize: ff, VocabSize: vocab, PaddedVocabSize: vocab,
		NLayersInPrelude: prelude, NLayersInRecurrentBlock: core, NLayersInCoda: coda,
		BlockSize: 4096, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
	}}
}

func tied(s Shape) Shape {
	s.TieEmbeddings = true
	return s
}

// ShapeNames are those of Shapes.
func ShapeNames() string {
	var names []string
	for _, s := range Shapes {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// ParseShape reads a name, or the seven numbers of ShapeForm. Errors wrap ErrModel.
func ParseShape(text string) (Shape, error) {
	for _, s := range Shapes {
		if s.Name == text {
			return s, nil
		}
	}
	items, fields := strings.Split(text, ","), strings.Split(ShapeForm, ",")
	if len(items) != len(fields) {
		return Shape{}, strict.Unusable("shape %s: want one of %s, or the seven numbers %s, as in 1024,16,2816,4096,2,4,2", strict.Clip(text), ShapeNames(), ShapeForm)
	}
	var n [7]int
	for i, item := range items {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(item)); err != nil || n[i] < 0 {
			return Shape{}, strict.Unusable("shape %s: %q is no whole number from 0 on (%s)", strict.Clip(text), strict.Clip(item), fields[i])
		}
	}
	return shapeOf(fmt.Sprintf("%dx%d", n[0], n[4]+n[5]+n[6]), "", 32, n[0], n[1], n[2], n[3], n[4], n[5], n[6]), nil
}
