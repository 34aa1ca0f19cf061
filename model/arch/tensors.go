package arch

import "fmt"

// Part is where in the model a tensor belongs.
type Part string

// The parts of the model, in the order of the forward pass.
const (
	PartEmbedding Part = "embedding"
	PartPrelude   Part = "prelude"
	PartAdapter   Part = "adapter"
	PartCore      Part = "core_block"
	PartCoda      Part = "coda"
	PartNorm      Part = "ln_f"
	PartHead      Part = "lm_head"
	PartTable     Part = "freqs_cis" // precomputed rope table; never read, rope angles are computed
)

// Tensor names outside the blocks.
const (
	NameEmbedding   = "transformer.wte.weight"
	NameAdapter     = "transformer.adapter.weight"
	NameAdapterBias = "transformer.adapter.bias"
	NameNorm        = "transformer.ln_f.weight"
	NameHead        = "lm_head.weight"
	NameRopeTable   = "freqs_cis"
)

// TensorSpec is one tensor that a checkpoint of a given Config has.
type TensorSpec struct {
	Name     string
	Shape    []int
	Optional bool
	Part     Part
	Block    int // index inside the part, for blocks
}

// BlockTensor is the name of a tensor inside block i of a part.
func BlockTensor(part Part, i int, leaf string) string {
	return fmt.Sprintf("transformer.%s.%d.%s", part, i, leaf)
}

// blockSpecs lists the tensors of one block. d = n_embd, m = intermediate_size, H heads of size h:
// Wqkv [3d][d] (all q heads, all k heads, all v heads), proj [d][d], fc [2m][d] (gate rows, then up rows), proj [d][m].
func (c Config) blockSpecs(part Part, i int) []TensorSpec {
	d, m := c.NEmbd, c.IntermediateSize
	type leaf struct {
		name  string
		shape []int
	}
	leaves := []leaf{
		{"norm_1.weight", []int{d}}, {"norm_2.weight", []int{d}},
		{"norm_3.weight", []int{d}}, {"norm_4.weight", []int{d}},
		{"attn.Wqkv.weight", []int{3 * d, d}}, {"attn.proj.weight", []int{d, d}},
		{"mlp.fc.weight", []int{2 * m, d}}, {"mlp.proj.weight", []int{d, m}},
	}
	if c.QKBias {
		leaves = append(leaves, leaf{"attn.qk_bias", []int{2, 1, c.NHeads, c.HeadDim}})
	}
	specs := make([]TensorSpec, len(leaves))
	for n, l := range leaves {
		specs[n] = TensorSpec{Name: BlockTensor(part, i, l.name), Shape: l.shape, Part: part, Block: i}
	}
	return specs
}

// TensorSpecs is the table of tensors that a checkpoint of this shape has, in the order of the forward pass. The adapter
// is [d][2d]: its first d columns act on the state, the last d on the injected embedding.
func (c Config) TensorSpecs() []TensorSpec {
	d := c.NEmbd
	specs := []TensorSpec{{Name: NameEmbedding, Shape: []int{c.PaddedVocabSize, d}, Part: PartEmbedding}}
	blocks := func(part Part, n int) {
		for i := range n {
			specs = append(specs, c.blockSpecs(part, i)...)
		}
	}
	blocks(PartPrelude, c.NLayersInPrelude)
	specs = append(specs, TensorSpec{Name: NameAdapter, Shape: []int{d, 2 * d}, Part: PartAdapter})
	if c.Bias {
		specs = append(specs, TensorSpec{Name: NameAdapterBias, Shape: []int{d}, Part: PartAdapter})
	}
	blocks(PartCore, c.NLayersInRecurrentBlock)
	blocks(PartCoda, c.NLayersInCoda)
	return append(specs,
		TensorSpec{Name: NameNorm, Shape: []int{d}, Part: PartNorm},
		TensorSpec{Name: NameHead, Shape: []int{c.PaddedVocabSize, d}, Optional: c.TieEmbeddings, Part: PartHead})
}
