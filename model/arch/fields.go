package arch

import (
	"maps"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// fixedFields are fields of config.json that change the forward pass, of the reference and of models like it, with the values
// that leave it as it is here; none: only what means "off". A family that has a choice reads the field itself.
var fixedFields = map[string][]string{
	"injection_type": {"linear"}, "nonlin_name": {"SiLU"}, "mlp_class_name": {"GatedMLP"}, "norm_class_name": {"RMSNorm_llama"},
	"state_init": {"like-init"}, "block_class_name": {"SandwichBlock"}, "architecture_class_name": {"RecurrentGPT"},
	"hidden_act": {"silu", "swish", "SiLU"}, "hidden_activation": {"silu"}, "initial_state_mode": {"random"},
	"partial_rotary_factor": {"1"}, "rotary_pct": {"1"}, "logit_scale": {"1"}, "logits_scaling": {"1"},
	"embedding_multiplier": {"1"}, "residual_multiplier": {"1"},
	"test_time_noise": nil, "attention_bias": nil, "mlp_bias": nil, "use_bias": nil, "qkv_bias": nil, "lm_head_bias": nil,
	"sliding_window": nil, "use_sliding_window": nil, "attn_logit_softcapping": nil, "final_logit_softcapping": nil,
	"logit_softcapping": nil, "query_pre_attn_scalar": nil, "attention_multiplier": nil, "qk_norm": nil, "use_qk_norm": nil,
	"qk_layernorm": nil, "clip_qkv": nil, "alibi": nil, "use_parallel_residual": nil, "num_experts": nil,
	"num_local_experts": nil, "quantization_config": nil, "use_weighted_exit": nil,
	"emb_neighbor_num": nil, "emb_split_num": nil, "ngram_vocab_size_ratio": nil, "insert_ngram_layer_idx": nil,
	"ngram_insert_all_layers": nil, "enable_double_loop_split": nil, "loop_share_kv": nil, "enable_hyper_connection": nil,
	"enable_mhc": nil, "enable_depth_attention": nil,
}

// inertFields concern training, names and what programs do with a model: not the forward pass.
var inertFields = strings.Fields(`architectures model_type auto_map name hf_config transformers_version torch_dtype dtype
	n_layers num_hidden_layers num_key_value_heads head_dim max_position_embeddings padding_multiple effective_expected_depth
	init_strategy init_orthogonal initializer_range sampling_scheme mean_backprop_depth activation_checkpoint_impl
	gradient_checkpointing attention_dropout test_time_noise_type max_window_layers use_cache is_decoder is_encoder_decoder
	return_dict output_attentions output_hidden_states torchscript id2label label2id problem_type task_specific_params
	bos_token_id eos_token_id pad_token_id pretraining_tp L_bp_cycles L_bp_steps rltt_loop_level_checkpointing
	rltt_logprob_chunk_size`)

// checkRest looks at every field that has not been read: it changes the forward pass and is refused unless it has no effect,
// or it is not known and a note names it.
func checkRest(f *strict.Fields) {
	if f.Only("use_sliding_window"); string(f.Raw["use_sliding_window"]) == "false" {
		f.Read["sliding_window"] = true // a width that is not used
	}
	if _, kinds := f.Get("layer_types"); strings.Trim(strings.ReplaceAll(strict.PlainText(kinds), "full_attention", ""), "[] ") != "" {
		f.Fail("layer_types is %s, supported: full_attention", kinds)
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(f.Raw)) {
		supported, fixed := fixedFields[name]
		switch {
		case f.Read[name] || strings.HasPrefix(name, "_") || slices.Contains(inertFields, name):
		case fixed:
			f.Only(name, supported...)
		default:
			unknown = append(unknown, strict.Clip(name))
		}
	}
	if len(unknown) > 0 {
		f.Notes = append(f.Notes, f.File+": passed over, not known to this version: "+strict.ClipTo(200, strings.Join(unknown, ", ")))
	}
}

// needed reads a size that no default could be right for.
func needed(f *strict.Fields, low, high int, name string) int {
	if !f.Has(name) {
		f.Fail(name+" is missing, and has no default here", nil)
	}
	return f.Integer(low, low, high, name)
}

// hubConfig reads the sizes that most models have, by the library's names, but for layers and heads of keys.
func hubConfig(f *strict.Fields) Config {
	c := Config{
		NEmbd:            needed(f, 2, MaxEmbd, "hidden_size"),
		NHeads:           needed(f, 1, maxHeads, "num_attention_heads"),
		IntermediateSize: needed(f, 1, MaxInner, "intermediate_size"),
		VocabSize:        needed(f, 1, MaxVocab, "vocab_size"),
		BlockSize:        needed(f, 1, MaxBlockSize, "max_position_embeddings"),
		NormEps:          f.Number(1e-6, 1e-30, 0.1, "rms_norm_eps"),
		TieEmbeddings:    f.Boolean(false, "tie_word_embeddings"),
	}
	c.PaddedVocabSize = c.VocabSize
	return c
}

// readHeads reads the size of a head, which is the width over the heads where nothing is said and def is 0, and checks that heads
// go together.
func readHeads(c *Config, f *strict.Fields, def int, names ...string) {
	if f.Err != nil {
		return
	}
	if c.HeadDim = f.Integer(def, 1, maxHeadDim, names...); c.HeadDim == 0 {
		c.HeadDim = c.NEmbd / c.NHeads
		if c.NEmbd%c.NHeads != 0 {
			f.Err = strict.Unusable("config.json: %s is missing, and the width %d is not a multiple of the heads, %d", names[0], c.NEmbd, c.NHeads)
		}
	}
	switch {
	case f.Err != nil:
	case c.HeadDim%2 != 0:
		f.Err = strict.Unusable("config.json: %s is %d, want an even one up to %d (rope turns pairs)", names[0], c.HeadDim, maxHeadDim)
	case c.NHeads%c.KVHeads() != 0:
		f.Err = strict.Unusable("config.json: num_key_value_heads is %d, want a divisor of the heads, %d", c.KVHeads(), c.NHeads)
	case c.QueryWidth() > MaxInner:
		f.Err = strict.Unusable("config.json: %d heads of %s %d, want up to %d in all", c.NHeads, names[0], c.HeadDim, MaxInner)
	}
}
