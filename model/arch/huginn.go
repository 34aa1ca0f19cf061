package arch

import (
	"cmp"
	"fmt"
	"math"

	"muninn/model/internal/strict"
)

// Huginn is Huginn-0125 and models trained by its authors' code (seal-rg/recurrent-pretraining).
var Huginn = &Family{
	Name: "huginn", ModelType: "huginn_raven", Class: "RavenForCausalLM",
	Config: huginnConfig, Tensors: ravenTensors(huginnBlock),
	StateStd: huginnStd, EmbedScale: huginnScale,
	Generation: huginnGeneration, Begin: beginText, Stops: []Stop{{beginText, 65504}, {endText, 65505}, {endTurn, 65508}},
	Chats: []*ChatForm{{Name: "huginn", Template: huginnTemplate, lay: huginnChat}},
}

// huginnConfig reads config.json with the reference's defaults and aliases.
func huginnConfig(f *strict.Fields, _ Has) Config {
	c, r := ravenConfig(f), readRope(f, false)
	c.RopeBase = huginnBase(f, r)
	r.agree(f, "rope_base", c.RopeBase)
	c.QKBias = f.Boolean(true, "qk_bias")
	finishHuginn(&c, f)
	checkRest(f)
	return c
}

// ravenConfig reads what the files of the reference's class have in common.
func ravenConfig(f *strict.Fields) Config {
	c := Config{
		NEmbd:                   f.Integer(5280, 2, MaxEmbd, "n_embd", "hidden_size"),
		NHeads:                  f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads"),
		NLayersInPrelude:        f.Integer(2, 1, MaxLayers, "n_layers_in_prelude"),
		NLayersInRecurrentBlock: f.Integer(4, 1, MaxLayers, "n_layers_in_recurrent_block"),
		NLayersInCoda:           f.Integer(2, 1, MaxLayers, "n_layers_in_coda"),
		IntermediateSize:        f.Integer(17920, 1, MaxInner, "intermediate_size"),
		VocabSize:               f.Integer(65536, 1, MaxVocab, "vocab_size"),
		BlockSize:               f.Integer(4096, 1, MaxBlockSize, "block_size"),
		MeanRecurrence:          f.Integer(32, 1, MaxRecur, "mean_recurrence"),
		NormEps:                 f.Number(1e-6, 1e-30, 0.1, "norm_eps", "rms_norm_eps"),
		TieEmbeddings:           readTied(f),
		Bias:                    f.Boolean(false, "bias"),
	}
	c.PaddedVocabSize = f.Integer(c.VocabSize, 1, MaxVocab, "padded_vocab_size")
	if c.PaddedVocabSize < c.VocabSize && f.Err == nil {
		f.Err = strict.Unusable("config.json: padded_vocab_size %d is below vocab_size %d", c.PaddedVocabSize, c.VocabSize)
	}
	return c
}

// huginnBase is the base of rope: the reference's rope_base, else that of the rope_parameters that transformers 5 writes.
func huginnBase(f *strict.Fields, r ropeFields) float64 {
	return cmp.Or(ropeBase(f, "rope_base"), r.parameters, 50000)
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

// finishHuginn checks the fields against each other and fills in HeadDim.
func finishHuginn(c *Config, f *strict.Fields) {
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
	case f.Integer(c.NHeads, 1, maxHeads, "num_key_value_heads") != c.NHeads:
		f.Fail(fmt.Sprintf("num_key_value_heads is %%s, supported: n_heads, %d (the weights have Huginn's norms)", c.NHeads), f.Raw["num_key_value_heads"])
	}
	init := f.Object("init_values")
	for name, want := range map[string]float64{"std": huginnStd(*c), "embed_scale": huginnScale(*c)} {
		if got := init.Number(want, 0, 1e6, name); f.Err == nil && math.Abs(got-want) > 1e-3*want {
			f.Err = strict.Unusable("config.json: init_values.%s is %g, supported is %g (from n_embd %d)", name, got, want, c.NEmbd)
		}
	}
}

// huginnStd is sqrt(2/(5 d)): an element of the initial state is drawn from N(0, std^2), cut at 3 deviations, and multiplied by
// the scale of the embeds.
func huginnStd(c Config) float64 { return math.Sqrt(2 / (5 * float64(c.NEmbd))) }

func huginnScale(c Config) float64 { return math.Sqrt(float64(c.NEmbd)) }

// Huginn's tensor names outside the blocks.
const (
	NameEmbedding   = "transformer.wte.weight"
	NameAdapter     = "transformer.adapter.weight"
	NameAdapterBias = "transformer.adapter.bias"
	NameNorm        = "transformer.ln_f.weight"
	NameHead        = "lm_head.weight"
	NameRopeTable   = "freqs_cis"
)

// BlockTensor is the name of a tensor inside block i of a part of Huginn's.
func BlockTensor(part Part, i int, leaf string) string {
	return fmt.Sprintf("transformer.%s.%d.%s", part, i, leaf)
}

// huginnBlock lists the tensors of one block.
func huginnBlock(c Config) Table {
	d, m := c.NEmbd, c.IntermediateSize
	table := Table{
		spec("norm_1.weight", RoleNorm1, d), spec("norm_2.weight", RoleNorm2, d),
		spec("norm_3.weight", RoleNorm3, d), spec("norm_4.weight", RoleNorm4, d),
		spec("attn.Wqkv.weight", RoleQKV, 3*d, d), spec("attn.proj.weight", RoleAttnOut, d, d),
		spec("mlp.fc.weight", RoleGateUp, 2*m, d), spec("mlp.proj.weight", RoleDown, d, m),
	}
	if c.QKBias {
		table = append(table, spec("attn.qk_bias", RoleQKBias, 2, 1, c.NHeads, c.HeadDim))
	}
	return table
}

// ravenTensors lists a model's tensors by the reference's names, given those of a block.
func ravenTensors(block func(Config) Table) func(Config) Table {
	return func(c Config) Table {
		d := c.NEmbd
		table := Table{{Name: NameEmbedding, Part: PartEmbedding, Role: RoleEmbedding, Shape: []int{c.PaddedVocabSize, d}}}
		blocks := func(part Part, n int) {
			for i := range n {
				table = append(table, inBlock(part, i, fmt.Sprintf("transformer.%s.%d", part, i), block(c))...)
			}
		}
		blocks(PartPrelude, c.NLayersInPrelude)
		table = append(table, TensorSpec{Name: NameAdapter, Part: PartAdapter, Role: RoleAdapter, Shape: []int{d, 2 * d}})
		if c.Bias {
			table = append(table, TensorSpec{Name: NameAdapterBias, Part: PartAdapter, Role: RoleAdapterBias, Shape: []int{d}})
		}
		blocks(PartCore, c.NLayersInRecurrentBlock)
		blocks(PartCoda, c.NLayersInCoda)
		return append(table, TensorSpec{Name: NameNorm, Part: PartNorm, Role: RoleFinalNorm, Shape: []int{d}}, headSpec(c))
	}
}
