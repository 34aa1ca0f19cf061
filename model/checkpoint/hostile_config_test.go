package checkpoint

import (
	"encoding/json"
	"strings"
)

// setting is a case of one field of config.json.
func badSetting(name, want, field string, value any) badCase {
	return damaged("config: "+name, want, func(f *folder) { f.config[field] = value })
}

// text is a case of config.json as a text, made from the sound one.
func badText(name, want string, change func(sound string) string) badCase {
	return damaged("config: "+name, want, func(f *folder) {
		sound, err := json.Marshal(f.config)
		if err != nil {
			panic("hostile: " + err.Error())
		}
		f.configText = change(string(sound))
	})
}

func configCases() []badCase {
	return []badCase{
		badText("blank", "config.json: the JSON text ends too early", func(string) string { return " " }),
		badText("cut short", "config.json: the JSON text ends too early", func(s string) string { return s[:len(s)/2] + `"` }),
		badText("a list", "config.json: not a JSON object", func(string) string { return "[]" }),
		badText("text after it", "config.json: more text after the JSON object", func(s string) string { return s + "{}" }),
		badText("duplicate key", `config.json: duplicate key "n_embd"`, func(s string) string { return `{"n_embd":16,` + s[1:] }),
		badText("duplicate key, escaped", `config.json: duplicate key "n_embd"`,
			func(s string) string { return `{"n\u005fembd":16,` + s[1:] }),
		badText("not UTF-8", "config.json: not valid UTF-8", func(s string) string { return "{\"a\":\"\xff\"," + s[1:] }),
		badText("nested deep", "config.json: nested deeper than", func(s string) string {
			return `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "," + s[1:]
		}),
		badText("not JSON", "config.json: not valid JSON", func(s string) string { return "{'a': 1}" }),
		badText("NaN", `config.json: rope_base is "NaN", want a number`, func(s string) string { return strings.Replace(s, `"rope_base":50000`, `"rope_base":NaN`, 1) }),
		badText("two mebibytes", "at most 1048576 are read", func(s string) string { return s + strings.Repeat(" ", 2<<20) }),

		badSetting("n_heads 0", "n_heads is 0, want a whole number from 1", "n_heads", 0),
		badSetting("n_heads negative", "n_heads is -2, want a whole number", "n_heads", -2),
		badSetting("n_heads huge", "n_heads is 1000000000, want", "n_heads", 1000000000),
		badSetting("n_heads a string", `n_heads is "2", want a whole number`, "n_heads", "2"),
		badSetting("n_heads beyond 64 bits", "n_heads is 99999999999999999999, want", "n_heads", json.RawMessage("99999999999999999999")),
		badSetting("n_heads does not divide", "n_embd 16 is not a multiple of n_heads 3", "n_heads", 3),
		badSetting("odd head size", "gives a head size of 1, want an even one", "n_heads", 16),
		badSetting("head_dim differs", "head_dim is 4, want n_embd / n_heads = 8", "head_dim", 4),
		badSetting("n_embd fractional", "n_embd is 16.5, want a whole number", "n_embd", 16.5),
		badSetting("n_embd 1", "n_embd is 1, want a whole number from 2", "n_embd", 1),
		badSetting("alias differs", "n_embd is 16 but its alias hidden_size is 32", "hidden_size", 32),
		badSetting("no core block", "n_layers_in_recurrent_block is 0, want", "n_layers_in_recurrent_block", 0),
		badSetting("a billion layers", "n_layers_in_coda is 1000000000, want", "n_layers_in_coda", 1000000000),
		badSetting("layers a list", "n_layers_in_prelude is [1], want", "n_layers_in_prelude", []int{1}),
		badSetting("intermediate_size negative", "intermediate_size is -24, want", "intermediate_size", -24),
		badSetting("vocabulary of 10^12", "vocab_size is 1000000000000, want", "vocab_size", 1000000000000),
		badSetting("padding below vocabulary", "padded_vocab_size 31 is below vocab_size 32", "padded_vocab_size", 31),
		badSetting("block_size 0", "block_size is 0, want", "block_size", 0),
		badSetting("mean_recurrence 0", "mean_recurrence is 0, want", "mean_recurrence", 0),
		badSetting("rope_base infinite", "rope_base is 1e999, want a number", "rope_base", json.RawMessage("1e999")),
		badSetting("rope_base a string", `rope_base is "NaN", want a number`, "rope_base", "NaN"),
		badSetting("norm_eps 0", "norm_eps is 0, want a number", "norm_eps", 0),
		badSetting("norm_eps negative", "norm_eps is -0.000001, want a number", "norm_eps", -1e-6),
		badSetting("tie_embeddings a string", `tie_embeddings is "yes", want true or false`, "tie_embeddings", "yes"),
		badSetting("noise", `test_time_noise is 0.1, supported: off`, "test_time_noise", 0.1),
		badSetting("injection", `injection_type is "add", supported: linear`, "injection_type", "add"),
		badSetting("nonlinearity", `nonlin_name is "GELU", supported: SiLU`, "nonlin_name", "GELU"),
		badSetting("mlp", `mlp_class_name is "BaseMLP", supported: GatedMLP`, "mlp_class_name", "BaseMLP"),
		badSetting("norm", `norm_class_name is "LayerNorm", supported: RMSNorm_llama`, "norm_class_name", "LayerNorm"),
		badSetting("norm a number", `norm_class_name is 1, supported: RMSNorm_llama`, "norm_class_name", 1),
		badSetting("state init", `state_init is "zero", supported: like-init`, "state_init", "zero"),
		badSetting("block", `block_class_name is "TransformerPreNormBlock", supported: SandwichBlock`, "block_class_name", "TransformerPreNormBlock"),
		badSetting("initial deviation", "init_values.std is 0.5, supported is", "init_values", map[string]any{"std": 0.5}),
		badSetting("init_values a list", "init_values is [1], want an object", "init_values", []int{1}),

		badSetting("another model_type", "architecture llama (RavenForCausalLM) is not supported", "model_type", "llama"),
		badSetting("another class", "architecture huginn_raven (OuroForCausalLM) is not supported", "architectures", []string{"OuroForCausalLM"}),
		badSetting("classes a string", `architectures is "RavenForCausalLM", want a list`, "architectures", "RavenForCausalLM"),
		badText("no architecture", "architecture (none named) is not supported", func(string) string { return "{}" }),
		badSetting("another base", "rope_theta is 10000, but rope_base is 50000", "rope_theta", 10000),
		badSetting("rescaled rope", `rope_scaling.rope_type is "llama3", supported: default`, "rope_scaling", map[string]any{"rope_type": "llama3", "factor": 32}),
		badSetting("rope_scaling of another type", `rope_scaling.rope_type is "yarn", supported: default`, "rope_scaling", map[string]any{"rope_type": "yarn", "factor": 4}),
		badSetting("rope_scaling in the old words", `rope_scaling.type is "linear", supported: default`, "rope_scaling", map[string]any{"type": "linear", "factor": 4}),
		badSetting("rope_scaling without a type", `rope_scaling.factor is 32, which is not supported`, "rope_scaling", map[string]any{"factor": 32}),
		badSetting("rope_parameters of another type", `rope_parameters.rope_type is "dynamic", supported: default`, "rope_parameters", map[string]any{"rope_type": "dynamic"}),
		badSetting("rope_parameters by layers", `rope_parameters.full_attention is {`, "rope_parameters", map[string]any{"full_attention": map[string]any{"rope_theta": 10000}}),
		badSetting("rope_parameters of another base", "rope_parameters.rope_theta is 10000, but rope_base is 50000", "rope_parameters", map[string]any{"rope_theta": 10000}),
		badSetting("part of a head turned", "partial_rotary_factor is 0.5, supported: 1", "partial_rotary_factor", 0.5),
		badSetting("attention bias", "attention_bias is true, supported: off", "attention_bias", true),
		badSetting("a window", "sliding_window is 128, supported: off", "sliding_window", 128),
		badSetting("layers of another kind", `layer_types is ["full_attention","sliding_attention"], supported: full_attention`, "layer_types", []string{"full_attention", "sliding_attention"}),
		badSetting("another activation", `hidden_act is "gelu", supported: silu`, "hidden_act", "gelu"),
		badSetting("soft-capped logits", "final_logit_softcapping is 30, supported: off", "final_logit_softcapping", 30),
		badSetting("another norm_eps", "norm_eps is 0.000001 but its alias rms_norm_eps is 0.00001", "rms_norm_eps", 1e-5),
		badSetting("quantized elsewhere", "quantization_config is {", "quantization_config", map[string]any{"quant_method": "gptq"}),
		badSetting("grouped heads", "num_key_value_heads is 1, supported: n_heads, 2", "num_key_value_heads", 1),
		badSetting("embed_scale of a relative", "init_values.embed_scale is 1, supported is 4", "init_values", map[string]any{"embed_scale": 1}),
	}
}
