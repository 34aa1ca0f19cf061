package arch

import (
	"cmp"
	"fmt"

	"muninn/model/internal/strict"
)

// HRMText is Sapient's HRM-Text and models of its class: two stacks of layers that take turns over two states. The core's first half
// is L_module, its second H_module; a step is L_cycles passes of the one and a pass of the other.
var HRMText = &Family{
	Name: "hrm_text", ModelType: "hrm_text", Class: "HrmTextForCausalLM",
	Config: hrmConfig, Tensors: hrmTensors,
	StateStd: undrawn, EmbedScale: unscaled,
	Generation: libraryGeneration, Stops: []Stop{{"<|box_end|>", -1}}, Chats: []*ChatForm{hrmForm},
}

// hrmConfig reads config.json with the library's defaults, but for sizes.
func hrmConfig(f *strict.Fields, has Has) Config {
	c := hubConfig(f)
	c.MeanRecurrence = f.Integer(2, 1, MaxRecur, "H_cycles")
	c.Cycles = f.Integer(3, 1, MaxLayers, "L_cycles")
	c.PrefixLM = f.Boolean(true, "prefix_lm")
	c.Block = BlockForm{Norms: NormsBefore, Weightless: true, Gate: true, Halves: true}
	c.FinalNorm, c.Start = NormEachPass, StartEmbeds
	hrmLayers(&c, f)
	readHeads(&c, f, 128, "head_dim")
	c.EmbedFactor = f.Number(1/f.Number(0.02, 1e-9, 1e9, "initializer_range"), 1e-9, 1e9, "embedding_scale")
	r := readRope(f, false)
	c.RopeBase = cmp.Or(r.parameters, r.theta, 10000)
	c.Unfused = has("model.L_module.layers.0.self_attn.q_proj.weight") || has("model.L_module.layers.0.self_attn.o_proj.weight")
	checkRest(f)
	return c
}

// hrmLayers reads the layers of a stack. With num_layers_per_stack, num_hidden_layers counts the caches that a token has.
func hrmLayers(c *Config, f *strict.Fields) {
	layers := needed(f, 1, MaxLayers*MaxRecur, "num_hidden_layers")
	n := f.Integer(layers, 1, MaxLayers, "num_layers_per_stack")
	switch want := c.MeanRecurrence * n * (c.Cycles + 1); {
	case f.Err != nil:
	case n > MaxLayers/2:
		f.Err = strict.Unusable("config.json: num_hidden_layers: a stack of %d layers, want up to %d", n, MaxLayers/2)
	case f.Has("num_layers_per_stack") && layers != want:
		f.Err = strict.Unusable("config.json: num_hidden_layers is %d, but num_layers_per_stack %d, H_cycles %d and L_cycles %d make %d", layers,
			n, c.MeanRecurrence, c.Cycles, want)
	}
	c.NLayersInRecurrentBlock = 2 * n
}

// hrmTensors lists the tensors, none of which is a norm. Programs save the matrices of a layer fused or apart.
func hrmTensors(c Config) Table {
	d, m, q := c.NEmbd, c.IntermediateSize, c.QueryWidth()
	table := Table{{Name: hubEmbedding, Part: PartEmbedding, Role: RoleEmbedding, Shape: []int{c.PaddedVocabSize, d}},
		{Name: "model.z_L_init", Part: PartSecond, Role: RoleSecond, Shape: []int{d}}}
	for i := range c.NLayersInRecurrentBlock {
		layer := Table{spec("attn.gqkv_proj.weight", RoleGateQKV, 4*q, d), spec("attn.o_proj.weight", RoleAttnOut, d, q),
			spec("mlp.gate_up_proj.weight", RoleGateUp, 2*m, d)}
		if c.Unfused {
			layer = Table{
				spec("self_attn.gate_proj.weight", RoleAttnGate, q, d), spec("self_attn.q_proj.weight", RoleQ, q, d),
				spec("self_attn.k_proj.weight", RoleK, q, d), spec("self_attn.v_proj.weight", RoleV, q, d),
				spec("self_attn.o_proj.weight", RoleAttnOut, d, q),
				spec("mlp.gate_proj.weight", RoleGate, m, d), spec("mlp.up_proj.weight", RoleUp, m, d),
			}
		}
		name, n := "L", c.NLayersInRecurrentBlock/2
		if i >= n {
			name = "H"
		}
		table = append(table, inBlock(PartCore, i, fmt.Sprintf("model.%s_module.layers.%d", name, i%n),
			append(layer, spec("mlp.down_proj.weight", RoleDown, d, m)))...)
	}
	return append(table, headSpec(c))
}
