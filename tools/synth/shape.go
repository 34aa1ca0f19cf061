package main

import (
	"encoding/json"
	"errors"
	"math"

	"muninn/model/arch"
)

// configJSON is config.json with the fields that the authors' files have; torchType is the element type's name there. 0 positions
// are the shape's own.
func configJSON(s arch.Shape, torchType string, blockSize int) ([]byte, error) {
	if blockSize == 0 {
		blockSize = s.BlockSize
	}
	if s.JSON != "" {
		config := map[string]any{}
		err := json.Unmarshal([]byte(s.JSON), &config)
		for _, name := range []string{"block_size", "max_position_embeddings"} {
			if _, there := config[name]; there {
				config[name] = blockSize
			}
		}
		config["torch_dtype"] = torchType
		text, err2 := json.MarshalIndent(config, "", "  ")
		return text, errors.Join(err, err2)
	}
	std := math.Sqrt(2 / (5 * float64(s.NEmbd)))
	depth := s.NLayersInPrelude + s.NLayersInRecurrentBlock*32 + s.NLayersInCoda
	return json.MarshalIndent(map[string]any{
		"architecture_class_name": "RecurrentGPT", "architectures": []string{"RavenForCausalLM"},
		"bias": false, "block_class_name": "SandwichBlock", "block_size": blockSize, "effective_expected_depth": depth,
		"head_dim": s.NEmbd / max(s.NHeads, 1), "init_strategy": "takase",
		"init_values":    map[string]any{"embed_scale": math.Sqrt(float64(s.NEmbd)), "embedding": std, "std": std},
		"injection_type": "linear", "intermediate_size": s.IntermediateSize, "mean_backprop_depth": 8, "mean_recurrence": 32,
		"mlp_class_name": "GatedMLP", "model_type": "huginn_raven", "n_embd": s.NEmbd, "n_heads": s.NHeads,
		"n_layers": s.NLayersInPrelude + s.NLayersInRecurrentBlock + s.NLayersInCoda, "n_layers_in_coda": s.NLayersInCoda, "n_layers_in_prelude": s.NLayersInPrelude,
		"n_layers_in_recurrent_block": s.NLayersInRecurrentBlock, "nonlin_name": "SiLU", "norm_class_name": "RMSNorm_llama", "norm_eps": 1e-6,
		"num_key_value_heads": s.NHeads, "padded_vocab_size": s.VocabSize, "qk_bias": true, "rope_base": 50000,
		"state_init": "like-init", "test_time_noise": 0, "test_time_noise_type": "fixed", "tie_embeddings": true,
		"tie_word_embeddings": true, "torch_dtype": torchType, "vocab_size": s.VocabSize,
	}, "", "  ")
}

// specialTokens have consecutive ids, in Huginn's order; those of other families follow in the same places: the second and the fifth
// end an answer.
var specialTokens = []string{"begin_text", "end_text", "begin_header", "end_header", "end_turn", "pad"}

var otherTokens = []string{"im_start", "endoftext", "object_ref_start", "object_ref_end", "im_end", "box_end"}

// specials are the special tokens of a family.
func specials(c arch.Config) []string {
	if c.FamilyName() == arch.Huginn.Name {
		return specialTokens
	}
	return otherTokens
}

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
