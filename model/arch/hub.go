package arch

import "fmt"

// spec is one tensor of a block, which inBlock puts into it.
func spec(name string, role Role, shape ...int) TensorSpec {
	return TensorSpec{Name: name, Role: role, Shape: shape}
}

// inBlock puts tensors into block i of a part, their names behind that of the block.
func inBlock(part Part, i int, name string, tensors Table) Table {
	for n := range tensors {
		tensors[n].Name, tensors[n].Part, tensors[n].Block = name+"."+tensors[n].Name, part, i
	}
	return tensors
}

// hubTensors lists the tensors of a model whose layers are the core, by the names that most models have. The norms after
// attention and MLP have a _2 behind those of the norms before.
func hubTensors(c Config) Table {
	d, m, q, k := c.NEmbd, c.IntermediateSize, c.QueryWidth(), c.KeyWidth()
	table := Table{{Name: hubEmbedding, Part: PartEmbedding, Role: RoleEmbedding, Shape: []int{c.PaddedVocabSize, d}}}
	for i := range c.NLayersInRecurrentBlock {
		layer := Table{
			spec("input_layernorm.weight", RoleNorm1, d), spec("post_attention_layernorm.weight", RoleNorm3, d),
			spec("self_attn.q_proj.weight", RoleQ, q, d), spec("self_attn.k_proj.weight", RoleK, k, d), spec("self_attn.v_proj.weight", RoleV, k, d),
			spec("self_attn.o_proj.weight", RoleAttnOut, d, q),
			spec("mlp.gate_proj.weight", RoleGate, m, d), spec("mlp.up_proj.weight", RoleUp, m, d), spec("mlp.down_proj.weight", RoleDown, d, m),
		}
		if c.Block.Norms.HasAfter() {
			layer = append(layer, spec("input_layernorm_2.weight", RoleNorm2, d), spec("post_attention_layernorm_2.weight", RoleNorm4, d))
		}
		table = append(table, inBlock(PartCore, i, fmt.Sprintf("model.layers.%d", i), layer)...)
	}
	return append(table, TensorSpec{Name: "model.norm.weight", Part: PartNorm, Role: RoleFinalNorm, Shape: []int{d}}, headSpec(c))
}

const hubEmbedding = "model.embed_tokens.weight"

// headSpec is the head, which all families call alike.
func headSpec(c Config) TensorSpec {
	return TensorSpec{Name: NameHead, Part: PartHead, Role: RoleHead, Shape: []int{c.PaddedVocabSize, c.NEmbd}, Optional: c.TieEmbeddings}
}

// unscaled is the EmbedScale of families that take embeddings as they are.
func unscaled(Config) float64 { return 1 }

// undrawn is the StateStd of families that draw no state.
func undrawn(Config) float64 { return 0 }

// libraryGeneration holds without generation_config.json: the library's own defaults.
func libraryGeneration(rows int) Generation {
	g, _ := ParseGeneration([]byte("{}"), rows)
	return g
}
