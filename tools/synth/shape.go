package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"muninn/model/checkpoint"
)

// shape is what --shape says.
type shape struct {
	embd, heads, inner, vocab int
	prelude, core, coda       int
}

var shapes = map[string]shape{
	"tiny":   {64, 2, 160, 384, 1, 2, 1},
	"huginn": {5280, 55, 17920, 65536, 2, 4, 2},
}

func shapeNames() string {
	var names []string
	for name := range shapes {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func parseShape(s string) (shape, error) {
	if known, ok := shapes[s]; ok {
		return known, nil
	}
	parts := strings.Split(s, ",")
	var n [7]int
	if len(parts) != len(n) {
		return shape{}, fmt.Errorf("--shape %s: want 7 numbers n_embd,n_heads,intermediate,vocab,prelude,core,coda, or one of %s", s, shapeNames())
	}
	for i, part := range parts {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(part)); err != nil {
			return shape{}, fmt.Errorf("--shape %s: %q is not a whole number", s, part)
		}
	}
	return shape{n[0], n[1], n[2], n[3], n[4], n[5], n[6]}, nil
}

// configJSON is config.json with the fields that the authors' files have; torchType is the element type's name there.
func (s shape) configJSON(torchType string, blockSize int) ([]byte, error) {
	std := math.Sqrt(2 / (5 * float64(s.embd)))
	depth := s.prelude + s.core*32 + s.coda
	return json.MarshalIndent(map[string]any{
		"architecture_class_name": "RecurrentGPT", "architectures": []string{"RavenForCausalLM"},
		"bias": false, "block_class_name": "SandwichBlock", "block_size": blockSize, "effective_expected_depth": depth,
		"head_dim": s.embd / max(s.heads, 1), "init_strategy": "takase",
		"init_values":    map[string]any{"embed_scale": math.Sqrt(float64(s.embd)), "embedding": std, "std": std},
		"injection_type": "linear", "intermediate_size": s.inner, "mean_backprop_depth": 8, "mean_recurrence": 32,
		"mlp_class_name": "GatedMLP", "model_type": "huginn_raven", "n_embd": s.embd, "n_heads": s.heads,
		"n_layers": s.prelude + s.core + s.coda, "n_layers_in_coda": s.coda, "n_layers_in_prelude": s.prelude,
		"n_layers_in_recurrent_block": s.core, "nonlin_name": "SiLU", "norm_class_name": "RMSNorm_llama", "norm_eps": 1e-6,
		"num_key_value_heads": s.heads, "padded_vocab_size": s.vocab, "qk_bias": true, "rope_base": 50000,
		"state_init": "like-init", "test_time_noise": 0, "test_time_noise_type": "fixed", "tie_embeddings": true,
		"tie_word_embeddings": true, "torch_dtype": torchType, "vocab_size": s.vocab,
	}, "", "  ")
}

// torchNames are the element types' names in config.json.
var torchNames = map[checkpoint.DType]string{checkpoint.F32: "float32", checkpoint.F16: "float16", checkpoint.BF16: "bfloat16"}

// specialTokens have consecutive ids, in Huginn's order.
var specialTokens = []string{"begin_text", "end_text", "begin_header", "end_header", "end_turn", "pad"}

// firstSpecial is the id of begin_text: Huginn's when the vocabulary reaches that far, else the last six ids.
func firstSpecial(vocab int) int {
	const huginn = 65504
	if vocab >= huginn+len(specialTokens) {
		return huginn
	}
	return vocab - len(specialTokens)
}

func generationJSON(vocab int) ([]byte, error) {
	first := firstSpecial(vocab)
	return json.MarshalIndent(map[string]any{
		"bos_token_id": first, "eos_token_id": []int{first + 1, first + 4}, "pad_token_id": first + 5, "do_sample": false,
	}, "", "  ")
}
