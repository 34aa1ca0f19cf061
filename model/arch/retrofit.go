package arch

import (
	"math"
	"slices"

	"muninn/model/internal/strict"
)

// Retrofit is models of Llama's or OLMo 2's form that were made recurrent by Huginn's plan (smcleish's Recurrent-Llama-3.2,
// -TinyLlama and -OLMo-2). Their files carry Huginn's names.
var Retrofit = &Family{
	Name: "retrofit", ModelType: Huginn.ModelType, Class: Huginn.Class,
	Owns: retrofitOwns, Config: retrofitConfig, Tensors: ravenTensors(retrofitBlock),
	StateStd: func(Config) float64 { return math.Sqrt(2 / (5 * 5280.)) }, EmbedScale: unscaled, // Huginn's, which the converter starts from
	Generation: libraryGeneration,
}

// retrofitOwns tells them from Huginn by a block's tensors: Huginn has four norms, or a bias. Without weights config.json tells.
func retrofitOwns(f *strict.Fields, has Has) bool {
	holds := func(leaf string) bool { return has(BlockTensor(PartCore, 0, leaf)) }
	switch {
	case slices.ContainsFunc([]string{"norm_3.weight", "norm_4.weight", "attn.qk_bias"}, holds):
		return false
	case holds("norm_1.weight") || holds("norm_2.weight"):
		return true
	}
	heads, r := f.Integer(55, 1, maxHeads, "n_heads", "num_attention_heads"), readRope(f, true)
	return f.Integer(heads, 1, maxHeads, "num_key_value_heads") != heads || r.scaling != RopeScaling{} ||
		r.against("rope_base", huginnBase(f, r)) != "" || f.Object("init_values").Number(0, 0, 1e6, "embed_scale") == 1
}

// retrofitConfig reads config.json. rope_base stands there, left over from Huginn, and is not used. OLMo 2's form is told by its norms of q and k;
// without weights by its smaller norm_eps, or by a start that it alone has.
func retrofitConfig(f *strict.Fields, has Has) Config {
	c := ravenConfig(f)
	c.Block, c.FinalNorm = BlockForm{Norms: NormsBefore, Halves: true}, NormLast
	f.Get("rope_base")
	f.Only("qk_bias")
	mode := f.Text("initial_state_mode") // which Llama's form passes over
	if has(BlockTensor(PartCore, 0, "attn.q_norm.weight")) || has(BlockTensor(PartCore, 0, "attn.k_norm.weight")) || !has(NameEmbedding) && (c.NormEps < 1e-5 || mode != "" && mode != "random") {
		c.Block.Norms, c.Block.QKNorm = NormsAfter, true
		f.Only("initial_state_mode", "random", "embed-init", "skip-adapter")
		c.Start = map[string]Start{"embed-init": StartEmbeds, "skip-adapter": StartEmbedsOnly}[mode]
	}
	c.NKVHeads = f.Integer(c.NHeads, 1, maxHeads, "num_key_value_heads")
	readHeads(&c, f, 0, "head_dim")
	if own := c.NEmbd / c.NHeads; f.Err == nil && !c.Block.QKNorm && (c.HeadDim != own || c.NEmbd%c.NHeads != 0) {
		f.Err = strict.Unusable("config.json: head_dim is %d, want n_embd / n_heads = %d / %d in the Llama form", c.HeadDim, c.NEmbd, c.NHeads)
	}
	r := readRope(f, true)
	if c.RopeBase, c.RopeScaling = r.base(f), r.scaling; c.RopeBase == 0 {
		f.Fail("rope_theta is missing, and has no default here (rope_base is not used)", nil)
	}
	init := f.Object("init_values")
	c.InitStd = init.Number(0, 1e-9, 1e3, "std")
	c.EmbedFactor = init.Number(0, 1e-9, 1e6, "embed_scale")
	checkRest(f)
	return c
}

// retrofitBlock lists the tensors of one block: two norms, before attention and MLP, or after them.
func retrofitBlock(c Config) Table {
	d, m, q := c.NEmbd, c.IntermediateSize, c.QueryWidth()
	first, second := RoleNorm1, RoleNorm3
	if c.Block.Norms == NormsAfter {
		first, second = RoleNorm2, RoleNorm4
	}
	table := Table{
		spec("norm_1.weight", first, d), spec("norm_2.weight", second, d),
		spec("attn.Wqkv.weight", RoleQKV, c.QKVWidth(), d), spec("attn.proj.weight", RoleAttnOut, d, q),
		spec("mlp.fc.weight", RoleGateUp, 2*m, d), spec("mlp.proj.weight", RoleDown, d, m),
	}
	if c.Block.QKNorm {
		table = append(table, spec("attn.q_norm.weight", RoleQNorm, q), spec("attn.k_norm.weight", RoleKNorm, c.KeyWidth()))
	}
	return table
}
