package arch

import "fmt"

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
