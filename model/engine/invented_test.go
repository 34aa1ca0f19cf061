package engine_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"muninn/model/arch"
	"muninn/model/internal/strict"
)

// invented is a family that nobody has: q, k, v, gate and up apart, another layer plan, no adapter, no noise to start from. The core
// starts from the embeds and is given nothing else.
var invented = &arch.Family{
	Name: "invented", ModelType: "invented", Class: "InventedForCausalLM",
	Config: func(f *strict.Fields, _ arch.Has) arch.Config {
		c := arch.Config{
			NEmbd: f.Integer(0, 2, 1<<12, "width"), NHeads: f.Integer(0, 1, 1<<8, "heads"),
			NLayersInPrelude: 1, NLayersInRecurrentBlock: 3, NLayersInCoda: 1,
			IntermediateSize: f.Integer(0, 1, 1<<14, "inner"), VocabSize: f.Integer(0, 1, 1<<16, "words"), BlockSize: 64, MeanRecurrence: 4,
			RopeBase: 10000, NormEps: 1e-5, Start: arch.StartEmbeds,
		}
		c.HeadDim, c.PaddedVocabSize = c.NEmbd/c.NHeads, c.VocabSize
		return c
	},
	Tensors: func(c arch.Config) arch.Table {
		d, m := c.NEmbd, c.IntermediateSize
		table := arch.Table{{Name: "words", Part: arch.PartEmbedding, Role: arch.RoleEmbedding, Shape: []int{c.VocabSize, d}}}
		for _, part := range []struct {
			arch.Part
			name string
			n    int
		}{{arch.PartPrelude, "in", c.NLayersInPrelude}, {arch.PartCore, "loop", c.NLayersInRecurrentBlock}, {arch.PartCoda, "out", c.NLayersInCoda}} {
			for i := range part.n {
				for _, t := range []struct {
					role  arch.Role
					shape []int
				}{
					{arch.RoleQ, []int{d, d}}, {arch.RoleK, []int{d, d}}, {arch.RoleV, []int{d, d}}, {arch.RoleAttnOut, []int{d, d}},
					{arch.RoleGate, []int{m, d}}, {arch.RoleUp, []int{m, d}}, {arch.RoleDown, []int{d, m}},
					{arch.RoleNorm1, []int{d}}, {arch.RoleNorm2, []int{d}}, {arch.RoleNorm3, []int{d}}, {arch.RoleNorm4, []int{d}},
				} {
					table = append(table, arch.TensorSpec{Name: fmt.Sprintf("%s/%d/%s", part.name, i, t.role), Part: part.Part, Block: i, Role: t.role, Shape: t.shape})
				}
			}
		}
		return append(table,
			arch.TensorSpec{Name: "last norm", Part: arch.PartNorm, Role: arch.RoleFinalNorm, Shape: []int{d}},
			arch.TensorSpec{Name: "answers", Part: arch.PartHead, Role: arch.RoleHead, Shape: []int{c.VocabSize, d}})
	},
	StateStd:   func(arch.Config) float64 { return 0 },
	EmbedScale: func(arch.Config) float64 { return 1 },
	Generation: func(int) arch.Generation { return arch.Generation{BOS: -1, Pad: -1} },
}

// variant is Ouro whose loop is given the embeds at every step: one more entry in its table.
func variant() *arch.Family {
	f := *arch.Ouro
	f.Name, f.ModelType, f.Class = "variant", "variant", "VariantForCausalLM"
	f.Tensors = func(c arch.Config) arch.Table {
		return append(arch.Ouro.Tensors(c), arch.TensorSpec{Name: "adapter", Part: arch.PartAdapter, Role: arch.RoleAdapter, Shape: []int{c.NEmbd, 2 * c.NEmbd}})
	}
	return &f
}

// inventedModels are families that nobody has, each with a model's config.json.
func inventedModels() map[*arch.Family]string {
	return map[*arch.Family]string{
		invented: `{"model_type":"invented","width":72,"heads":3,"inner":104,"words":150}`,
		variant(): `{"model_type":"variant","hidden_size":72,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":24,"intermediate_size":104,"vocab_size":150,
			"num_hidden_layers":3,"total_ut_steps":4,"max_position_embeddings":64}`,
	}
}

// inventedModel makes the family known for a test and writes a model of it with random weights.
func inventedModel(t *testing.T, family *arch.Family, text string) string {
	t.Helper()
	known := arch.Families
	arch.Families = append(known[:len(known):len(known)], family)
	t.Cleanup(func() { arch.Families = known })
	config := []byte(text)
	c, _, err := arch.ParseConfig(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	header, data := map[string]any{}, []byte{}
	for _, spec := range c.TensorSpecs() {
		n, start := 1, len(data)
		for _, dim := range spec.Shape {
			n *= dim
		}
		for range n {
			v := 1 + 0.1*rng.NormFloat64() // norms
			if len(spec.Shape) == 2 {
				v = rng.NormFloat64() / math.Sqrt(float64(spec.Shape[1]))
			}
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
		}
		header[spec.Name] = map[string]any{"dtype": "F32", "shape": spec.Shape, "data_offsets": []int{start, len(data)}}
	}
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), append(head, data...)...)
	for name, content := range map[string][]byte{"config.json": config, "model.safetensors": file} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
