package model

import (
	"fmt"
	"slices"
	"strings"
)

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
	nameRopeTable   = "freqs_cis"
)

// TensorSpec is one tensor that a checkpoint of a given Config has.
type TensorSpec struct {
	Name     string
	Shape    []int
	Optional bool
	Part     Part
	Block    int // index inside the part, for blocks
}

// TensorInfo is one tensor that a checkpoint holds.
type TensorInfo struct {
	Name  string
	DType DType
	Shape []int
	Bytes int64
}

// blockTensor is the name of a tensor inside block i of a part.
func blockTensor(part Part, i int, leaf string) string {
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
		specs[n] = TensorSpec{Name: blockTensor(part, i, l.name), Shape: l.shape, Part: part, Block: i}
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

// ignorable tensors are precomputed tables that some files carry; they are never read.
func ignorable(name string) bool {
	return name == nameRopeTable || strings.HasSuffix(name, ".inv_freq")
}

// checkTensors compares what a checkpoint holds with the table: nothing missing, no other shape or element type,
// nothing left over.
func checkTensors(c Config, have map[string]TensorInfo) error {
	if err := relativeByTensors(func(name string) bool { _, ok := have[name]; return ok }); err != nil {
		return err
	}
	expected := map[string]bool{}
	for _, spec := range c.TensorSpecs() {
		expected[spec.Name] = true
		got, ok := have[spec.Name]
		switch {
		case !ok && spec.Optional:
		case !ok && spec.Name == NameHead:
			return unusable("%s: missing, and tie_embeddings is false: the model has no output matrix", spec.Name)
		case !ok:
			return unusable("%s: missing; the checkpoint is not complete or config.json is of another one", spec.Name)
		case !slices.Equal(got.Shape, spec.Shape):
			return unusable("%s: shape %v, want %v", spec.Name, got.Shape, spec.Shape)
		case !got.DType.Known():
			return unusable("%s: element type %s, want F32, F16 or BF16", spec.Name, got.DType)
		case got.DType.Quantised() && len(spec.Shape) != 2:
			return unusable("%s: element type %s, which only matrices may have", spec.Name, got.DType)
		}
	}
	var extra []string
	for name := range have {
		if !expected[name] && !ignorable(name) {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	slices.Sort(extra)
	for i := range extra {
		extra[i] = clip(extra[i])
	}
	if n := len(extra); n > 3 {
		return unusable("%d tensors that config.json does not account for: %s, ...", n, strings.Join(extra[:3], ", "))
	}
	return unusable("tensors that config.json does not account for: %s", strings.Join(extra, ", "))
}
