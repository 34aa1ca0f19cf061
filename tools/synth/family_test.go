package main

import (
	"encoding/json"
	"maps"
	"math"
	"path/filepath"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/reference"
)

// shrunken is a published shape with other sizes: what is special about it stays.
func shrunken(t *testing.T, s arch.Shape) arch.Shape {
	t.Helper()
	config := map[string]any{}
	if err := json.Unmarshal([]byte(s.JSON), &config); err != nil {
		t.Fatal(err)
	}
	small := map[string]any{"hidden_size": 64, "n_embd": 64, "num_attention_heads": 4, "n_heads": 4, "head_dim": 24, "intermediate_size": 96,
		"vocab_size": 300, "padded_vocab_size": 300, "num_hidden_layers": 2, "max_position_embeddings": 64, "block_size": 64}
	if kv, heads := config["num_key_value_heads"].(float64), s.NHeads; int(kv) < heads {
		small["num_key_value_heads"] = 2
	} else {
		small["num_key_value_heads"] = 4
	}
	maps.DeleteFunc(small, func(name string, _ any) bool { _, there := config[name]; return !there })
	maps.Copy(config, small)
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := arch.ParseConfig(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return arch.Shape{Name: s.Name, JSON: string(text), Config: c}
}

// Every published shape is written under its family's names with weights that leave logits and states of a usual size, and opens again.
func TestFamilies(t *testing.T) {
	families := map[string]bool{}
	for _, published := range arch.Shapes {
		if published.JSON == "" {
			continue
		}
		o, s := small(), shrunken(t, published)
		o.out = filepath.Join(t.TempDir(), "out")
		p, err := o.planShape(s)
		if err == nil {
			err = p.write(t.Context(), o.out, func(int) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		ck := opened(t, o.out)
		if s.BlockSize = o.blockSize; ck.Config != s.Config {
			t.Errorf("%s: %+v, want %+v", s.Name, ck.Config, s.Config)
		}
		families[ck.Config.FamilyName()] = true
		spread(t, s.Name, ck)
	}
	if len(families) != len(arch.Families)-1 {
		t.Errorf("families %v of %d", families, len(arch.Families))
	}
}

// spread checks that logits of a few tokens have a usual deviation.
func spread(t *testing.T, name string, ck *checkpoint.Checkpoint) {
	t.Helper()
	ref, err := reference.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	session, err := ref.NewSession(reference.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logits, err := session.Forward([]reference.Input{{Tokens: []int32{5, 117, 260, 42}}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range logits {
		var sum, squares float64
		for _, x := range row {
			sum, squares = sum+float64(x), squares+float64(x)*float64(x)
		}
		n := float64(len(row))
		if d := math.Sqrt(squares/n - sum*sum/n/n); !(d > 1 && d < 6) {
			t.Errorf("%s: logits of deviation %g", name, d)
		}
	}
}

// The real shapes have a recipe for every tensor, and files of the sizes that they say.
func TestPublishedSizes(t *testing.T) {
	for _, s := range arch.Shapes {
		if s.JSON == "" {
			continue
		}
		o := small()
		o.blockSize = 0
		p, err := o.planShape(s)
		if err != nil {
			t.Fatal(err)
		}
		if p.config != s.Config || p.bytes() != 2*s.Params() {
			t.Errorf("%s: %d bytes for %d weights, %+v", s.Name, p.bytes(), s.Params(), p.config)
		}
		for _, spec := range p.config.TensorSpecs() {
			recipe(p.config, spec.Role) // panics where there is none
		}
	}
}
