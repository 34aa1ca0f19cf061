package arch

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// Huginn is Huginn-0125 and models trained by its authors' code (seal-rg/recurrent-pretraining).
var Huginn = &Family{
	Name: "huginn", ModelType: "huginn_raven", Class: "RavenForCausalLM",
	Config: huginnConfig, Tensors: huginnTensors,
	StateStd: huginnStd, EmbedScale: huginnScale,
	Generation: huginnGeneration, Begin: beginText, Stops: []Stop{{beginText, 65504}, {endText, 65505}, {endTurn, 65508}},
	Chat: huginnChat, ChatTemplate: huginnTemplate,
}

// huginnConfig reads config.json with the reference's defaults and aliases.
func huginnConfig(f *strict.Fields, _ Has) Config {
	base, relative := rope(f)
	refuseRelatives(f, relative)
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
		RopeBase:                base,
		NormEps:                 f.Number(1e-6, 1e-30, 0.1, "norm_eps", "rms_norm_eps"),
		TieEmbeddings:           readTied(f),
		Bias:                    f.Boolean(false, "bias"),
		QKBias:                  f.Boolean(true, "qk_bias"),
	}
	c.PaddedVocabSize = f.Integer(c.VocabSize, 1, MaxVocab, "padded_vocab_size")
	finishHuginn(&c, f)
	checkRest(f)
	return c
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
	case c.PaddedVocabSize < c.VocabSize:
		f.Err = strict.Unusable("config.json: padded_vocab_size %d is below vocab_size %d", c.PaddedVocabSize, c.VocabSize)
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

// refuseRelatives refuses the retrofitted relatives, which carry Huginn's model_type and class names: other fields betray
// them.
func refuseRelatives(f *strict.Fields, seen []string) {
	heads := f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads")
	if kv := f.Integer(heads, 1, maxHeads, "num_key_value_heads"); kv != heads {
		seen = append(seen, fmt.Sprintf("num_key_value_heads %d with %d heads", kv, heads))
	}
	width := f.Integer(5280, 2, MaxEmbd, "n_embd", "hidden_size")
	if scale := f.Object("init_values").Number(0, 0, 1e6, "embed_scale"); scale == 1 && width != 1 {
		seen = append(seen, "init_values.embed_scale 1")
	}
	if f.Err == nil && len(seen) > 0 {
		f.Err = unknown("retrofitted relative of Huginn (Llama, TinyLlama or OLMo-2 turned recurrent)",
			"config.json has "+strings.Join(seen, ", "))
	}
}

// rope reads the base of rope: the reference's rope_base, else rope_theta in the rope_parameters that transformers 5 writes.
// Another base beside it, and the rescaling of Llama-3, are seen in relatives only; other types of rope are refused.
func rope(f *strict.Fields) (base float64, relative []string) {
	read := func(o *strict.Fields, name string) float64 { return o.Number(0, 1, 1e12, name) }
	parameters, scaling := f.Object("rope_parameters"), f.Object("rope_scaling")
	base = cmp.Or(read(f, "rope_base"), read(parameters, "rope_theta"), 50000)
	for _, o := range []*strict.Fields{f, parameters} {
		if theta := read(o, "rope_theta"); theta != 0 && theta != base {
			relative = append(relative, fmt.Sprintf("%srope_theta %g, not rope_base %g", o.Prefix, theta, base))
		}
	}
	for _, o := range []*strict.Fields{parameters, scaling} {
		if cmp.Or(o.Text("rope_type"), o.Text("type")) == "llama3" {
			relative = append(relative, o.Prefix+"rope_type llama3")
			continue
		}
		o.Only("rope_type", "default")
		o.Only("type", "default")
		o.Only("partial_rotary_factor", "1")
		for _, name := range slices.Sorted(maps.Keys(o.Raw)) {
			if !o.Read[name] && string(o.Raw[name]) != "null" {
				o.Fail(name+" is %s, which is not supported", o.Raw[name])
			}
		}
	}
	return base, relative
}

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
func huginnBlock(c Config, part Part, i int) Table {
	d, m := c.NEmbd, c.IntermediateSize
	table := Table{
		{Name: "norm_1.weight", Role: RoleNorm1, Shape: []int{d}}, {Name: "norm_2.weight", Role: RoleNorm2, Shape: []int{d}},
		{Name: "norm_3.weight", Role: RoleNorm3, Shape: []int{d}}, {Name: "norm_4.weight", Role: RoleNorm4, Shape: []int{d}},
		{Name: "attn.Wqkv.weight", Role: RoleQKV, Shape: []int{3 * d, d}}, {Name: "attn.proj.weight", Role: RoleAttnOut, Shape: []int{d, d}},
		{Name: "mlp.fc.weight", Role: RoleGateUp, Shape: []int{2 * m, d}}, {Name: "mlp.proj.weight", Role: RoleDown, Shape: []int{d, m}},
	}
	if c.QKBias {
		table = append(table, TensorSpec{Name: "attn.qk_bias", Role: RoleQKBias, Shape: []int{2, 1, c.NHeads, c.HeadDim}})
	}
	for n := range table {
		table[n].Name, table[n].Part, table[n].Block = BlockTensor(part, i, table[n].Name), part, i
	}
	return table
}

// huginnTensors lists Huginn's tensors.
func huginnTensors(c Config) Table {
	d := c.NEmbd
	table := Table{{Name: NameEmbedding, Part: PartEmbedding, Role: RoleEmbedding, Shape: []int{c.PaddedVocabSize, d}}}
	blocks := func(part Part, n int) {
		for i := range n {
			table = append(table, huginnBlock(c, part, i)...)
		}
	}
	blocks(PartPrelude, c.NLayersInPrelude)
	table = append(table, TensorSpec{Name: NameAdapter, Part: PartAdapter, Role: RoleAdapter, Shape: []int{d, 2 * d}})
	if c.Bias {
		table = append(table, TensorSpec{Name: NameAdapterBias, Part: PartAdapter, Role: RoleAdapterBias, Shape: []int{d}})
	}
	blocks(PartCore, c.NLayersInRecurrentBlock)
	blocks(PartCoda, c.NLayersInCoda)
	return append(table,
		TensorSpec{Name: NameNorm, Part: PartNorm, Role: RoleFinalNorm, Shape: []int{d}},
		TensorSpec{Name: NameHead, Part: PartHead, Role: RoleHead, Shape: []int{c.PaddedVocabSize, d}, Optional: c.TieEmbeddings})
}
