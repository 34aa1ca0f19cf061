// Package arch knows the families of recurrent-depth models: what config.json says, which tensors there are, how a chat is laid out.
package arch

import (
	"fmt"
	"math"

	"muninn/model/internal/strict"
)

// Config is config.json of a Huginn checkpoint, checked: every field is in its range and the fields agree with each
// other. Field names follow the reference (seal-rg/recurrent-pretraining, recpre/raven_config_minimal.py).
type Config struct {
	NEmbd   int // width d of the residual stream
	NHeads  int
	HeadDim int // NEmbd / NHeads, even

	NLayersInPrelude        int // P
	NLayersInRecurrentBlock int // R, core blocks of one step
	NLayersInCoda           int // C

	IntermediateSize int // inner width of the gated MLP
	VocabSize        int // ids the tokenizer may use
	PaddedVocabSize  int // rows of wte and of the head, at least VocabSize
	BlockSize        int // positions the model was made for
	MeanRecurrence   int // default number of core steps

	RopeBase float64
	NormEps  float64

	TieEmbeddings bool // the head is wte
	Bias          bool // the adapter has a bias; nothing else ever has
	QKBias        bool // queries and keys get a learned bias before rope
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

// KnownArchitectures is what ParseConfig accepts, as model_type and architecture class.
var KnownArchitectures = []string{"huginn_raven (RavenForCausalLM)"}

// ParseConfig reads config.json. Absent fields take the reference's defaults, its aliases are understood
// (num_attention_heads, hidden_size), null counts as absent. Fields that would change the forward pass in a way that is not
// supported are refused; notes name contradictions and fields that are not known. Errors are of the ErrModel family and name
// the field, the value found and what is supported; another architecture, the retrofitted relatives of Huginn among them,
// gives *UnknownArchitectureError.
func ParseConfig(data []byte) (c Config, notes []string, err error) {
	f, err := strict.Parse(FileConfig, data)
	if err != nil {
		return Config{}, nil, err
	}
	base, err := checkArchitecture(f)
	if err != nil {
		return Config{}, nil, err
	}
	c = Config{
		NEmbd:                   f.Integer(5280, 2, MaxEmbd, "n_embd", "hidden_size"),
		NHeads:                  f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads"),
		NLayersInPrelude:        f.Integer(2, 1, MaxLayers, "n_layers_in_prelude"),
		NLayersInRecurrentBlock: f.Integer(4, 1, MaxLayers, "n_layers_in_recurrent_block"),
		NLayersInCoda:           f.Integer(2, 1, MaxLayers, "n_layers_in_coda"),
		IntermediateSize:        f.Integer(17920, 1, MaxInner, "intermediate_size"),
		VocabSize:               f.Integer(65536, 1, MaxVocab, "vocab_size"),
		BlockSize:               f.Integer(4096, 1, MaxBlockSize, "block_size"),
		MeanRecurrence:          f.Integer(32, 1, MaxRecur, "mean_recurrence"),
		RopeBase:                base,
		NormEps:                 f.Number(1e-6, 1e-30, 0.1, "norm_eps", "rms_norm_eps"),
		TieEmbeddings:           readTied(f),
		Bias:                    f.Boolean(false, "bias"),
		QKBias:                  f.Boolean(true, "qk_bias"),
	}
	c.PaddedVocabSize = f.Integer(c.VocabSize, 1, MaxVocab, "padded_vocab_size")
	c.finish(f)
	checkRest(f)
	if f.Err != nil {
		return Config{}, nil, f.Err
	}
	return c, f.Notes, nil
}

// readTied reads whether the head is wte. The library's base class writes a tie_word_embeddings of its own beside the
// reference's field, which is the one that the reference looks at.
func readTied(f *strict.Fields) bool {
	library := f.Boolean(true, "tie_word_embeddings")
	tied := f.Boolean(library, "tie_embeddings")
	if f.Has("tie_word_embeddings") && tied != library {
		f.Notes = append(f.Notes, fmt.Sprintf("%s: tie_embeddings is %t but tie_word_embeddings is %t; tie_embeddings decides, as in the reference",
			f.File, tied, library))
	}
	return tied
}

// finish checks the fields against each other and fills in HeadDim.
func (c *Config) finish(f *strict.Fields) {
	if f.Err != nil {
		return
	}
	c.HeadDim = c.NEmbd / c.NHeads
	stated := f.Integer(c.HeadDim, 1, MaxEmbd, "head_dim")
	switch {
	case f.Err != nil:
	case c.NEmbd%c.NHeads != 0:
		f.Err = strict.Unusable("config.json: n_embd %d is not a multiple of n_heads %d", c.NEmbd, c.NHeads)
	case c.HeadDim%2 != 0 || c.HeadDim > maxHeadDim:
		f.Err = strict.Unusable("config.json: n_embd %d over n_heads %d gives a head size of %d, want an even one up to %d "+
			"(rope turns pairs)", c.NEmbd, c.NHeads, c.HeadDim, maxHeadDim)
	case stated != c.HeadDim:
		f.Err = strict.Unusable("config.json: head_dim is %d, want n_embd / n_heads = %d", stated, c.HeadDim)
	case c.PaddedVocabSize < c.VocabSize:
		f.Err = strict.Unusable("config.json: padded_vocab_size %d is below vocab_size %d", c.PaddedVocabSize, c.VocabSize)
	}
	init := f.Object("init_values")
	for name, want := range map[string]float64{"std": c.StateStd(), "embed_scale": c.EmbedScale()} {
		if got := init.Number(want, 0, 1e6, name); f.Err == nil && math.Abs(got-want) > 1e-3*want {
			f.Err = strict.Unusable("config.json: init_values.%s is %g, supported is %g (from n_embd %d)", name, got, want, c.NEmbd)
		}
	}
}

// StateStd is sqrt(2/(5 d)). An element of the initial state is drawn from N(0, StateStd^2), cut at 3 deviations, and
// multiplied by EmbedScale.
func (c Config) StateStd() float64 { return math.Sqrt(2 / (5 * float64(c.NEmbd))) }

// EmbedScale is sqrt(d), the factor on embedding rows.
func (c Config) EmbedScale() float64 { return math.Sqrt(float64(c.NEmbd)) }

// Layers is the number of distinct blocks: prelude, core and coda.
func (c Config) Layers() int {
	return c.NLayersInPrelude + c.NLayersInRecurrentBlock + c.NLayersInCoda
}

// Params counts parameters by part.
type Params struct {
	Embedding int64 // wte
	Prelude   int64
	Adapter   int64
	Core      int64 // all core blocks; one core step touches Adapter + Core
	Coda      int64
	Norm      int64 // ln_f
	Head      int64 // lm_head when it has its own values, 0 when tied to wte
	Total     int64
}

// Params counts the parameters of the model; a tied head is counted once, under Embedding.
func (c Config) Params() Params {
	var p Params
	counts := map[Part]*int64{PartEmbedding: &p.Embedding, PartPrelude: &p.Prelude, PartAdapter: &p.Adapter, PartCore: &p.Core,
		PartCoda: &p.Coda, PartNorm: &p.Norm, PartHead: &p.Head}
	for _, spec := range c.TensorSpecs() {
		n := int64(1)
		for _, dim := range spec.Shape {
			n *= int64(dim)
		}
		if spec.Part == PartHead && c.TieEmbeddings {
			n = 0
		}
		*counts[spec.Part] += n
		p.Total += n
	}
	return p
}

// String is the shape in one line, for logs and errors.
func (c Config) String() string {
	return fmt.Sprintf("huginn %d/%d/%d, width %d, %d heads, mlp %d, vocabulary %d", c.NLayersInPrelude,
		c.NLayersInRecurrentBlock, c.NLayersInCoda, c.NEmbd, c.NHeads, c.IntermediateSize, c.PaddedVocabSize)
}
