package arch

import (
	"strings"
	"testing"

	"muninn/model/internal/strict"
)

// Fields that the goldens have no case of.
func TestFamilyRefusals(t *testing.T) {
	const ouro = `"model_type":"ouro","hidden_size":64,"num_attention_heads":4,"num_key_value_heads":4,"num_hidden_layers":3,` +
		`"intermediate_size":176,"vocab_size":320,"max_position_embeddings":512`
	sizes := strings.TrimPrefix(ouro, `"model_type":"ouro",`)
	nanbeige := `"model_type":"nanbeige","head_dim":16,"rope_theta":1e4,` + sizes
	hrm := `"model_type":"hrm_text",` + sizes
	const raven = `"model_type":"huginn_raven","n_embd":64,"n_heads":4,"rope_theta":10000`
	for fields, want := range map[string]string{
		strings.Replace(ouro, `"hidden_size":64,`, "", 1):              "hidden_size is missing",
		strings.Replace(ouro, `"num_hidden_layers":3,`, "", 1):         "num_hidden_layers is missing",
		strings.Replace(ouro, `"num_attention_heads":4,`, "", 1):       "num_attention_heads is missing",
		strings.Replace(ouro, `"intermediate_size":176,`, "", 1):       "intermediate_size is missing",
		strings.Replace(ouro, `"vocab_size":320,`, "", 1):              "vocab_size is missing",
		strings.Replace(ouro, `,"max_position_embeddings":512`, "", 1): "max_position_embeddings is missing",
		strings.Replace(ouro, `"num_key_value_heads":4,`, "", 1):       "num_key_value_heads is 32, want a divisor of the heads, 4",
		strings.Replace(ouro, `64`, "66", 1):                           "head_dim is missing, and the width 66 is not a multiple of the heads, 4",
		ouro + `,"head_dim":15`:                                        "head_dim is 15, want an even one",
		ouro + `,"head_dim":2048`:                                      "head_dim is 2048, want a whole number from 1 to 1024",
		ouro + `,"early_exit_threshold":0`:                             "early_exit_threshold is 0, want a number",
		ouro + `,"early_exit_threshold":"high"`:                        `early_exit_threshold is "high", want a number`,
		ouro + `,"early_exit_step":0.5`:                                "early_exit_step is 0.5, want a whole number",
		ouro + `,"use_weighted_exit":true`:                             "use_weighted_exit is true, supported: off",
		ouro + `,"rope_scaling":{"rope_type":"llama3","factor":8}`:     `rope_scaling.rope_type is "llama3", supported: default`,
		ouro + `,"attention_bias":true`:                                "attention_bias is true, supported: off",

		strings.Replace(nanbeige, `"rope_theta":1e4,`, "", 1):   "rope_theta is missing",
		nanbeige + `,"kv_channels":32`:                          "head_dim is 16 but its alias kv_channels is 32",
		nanbeige + `,"loop_loss_weights":2`:                     "loop_loss_weights is 2, want a list of numbers",
		nanbeige + `,"num_loops":0`:                             "num_loops is 0, want a whole number from 1",
		nanbeige + `,"emb_split_num":4`:                         "emb_split_num is 4, supported: off",
		nanbeige + `,"ngram_vocab_size_ratio":0.5`:              "ngram_vocab_size_ratio is 0.5, supported: off",
		nanbeige + `,"ngram_insert_all_layers":true`:            "ngram_insert_all_layers is true, supported: off",
		nanbeige + `,"rope_scaling":{"type":"yarn","factor":4}`: `rope_scaling.type is "yarn", supported: default`,
		nanbeige + `,"skip_loop_final_norm":1`:                  "skip_loop_final_norm is 1, want true or false",
		nanbeige + `,"rope_parameters":{"rope_theta":2e4}`:      "rope_parameters.rope_theta is 20000, but rope_theta is 10000",

		hrm + `,"mlp_bias":true`:             "mlp_bias is true, supported: off",
		hrm + `,"hidden_act":"gelu"`:         `hidden_act is "gelu", supported: silu`,
		hrm + `,"H_cycles":0`:                "H_cycles is 0, want a whole number from 1",
		hrm + `,"L_cycles":0`:                "L_cycles is 0, want a whole number from 1",
		hrm + `,"embedding_scale":0`:         "embedding_scale is 0, want a number",
		hrm + `,"prefix_lm":"no"`:            `prefix_lm is "no", want true or false`,
		hrm + `,"num_layers_per_stack":1000`: "num_layers_per_stack is 1000, want a whole number from 1",

		raven + `,"rope_scaling":{"rope_type":"llama3","factor":32}`:                                                                           "rope_scaling.low_freq_factor is missing",
		raven + `,"rope_scaling":{"type":"llama3","factor":32,"low_freq_factor":4,"high_freq_factor":1,"original_max_position_embeddings":64}`: "rope_scaling.high_freq_factor is 1, want more than low_freq_factor 4",
		raven + `,"qk_bias":true`:               "qk_bias is true, supported: off",
		raven + `,"num_key_value_heads":3`:      "num_key_value_heads is 3, want a divisor of the heads, 4",
		raven + `,"norm_eps":1e-5,"head_dim":8`: "head_dim is 8, want n_embd / n_heads = 64 / 4 in the Llama form",
		raven + `,"test_time_noise":1`:          "test_time_noise is 1, supported: off",
		raven + `,"init_values":{"std":0}`:      "init_values.std is 0, want a number",
	} {
		_, _, err := ParseConfig([]byte("{"+fields+"}"), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", fields, err, want)
		} else if _, ok := err.(interface{ Unwrap() []error }); !ok || !strings.HasPrefix(err.Error(), "model: config.json: ") {
			t.Errorf("%s: %v is not of the family of %v", fields, err, strict.ErrUnusable)
		}
	}
}

// Without weights, fields tell a relative of Huginn from it, and its form.
func TestRelativesByConfig(t *testing.T) {
	const huginn = `{"model_type":"huginn_raven","n_embd":64,"n_heads":4,"norm_eps":0.00001`
	for fields, want := range map[string]*Family{
		``:                                    Huginn,
		`,"rope_theta":50000`:                 Huginn,
		`,"init_values":{"embed_scale":8}`:    Huginn,
		`,"rope_theta":10000`:                 Retrofit,
		`,"rope_theta":1e4,"rope_base":50000`: Retrofit,
		`,"rope_theta":5e4,"init_values":{"embed_scale":1}`: Retrofit,
		`,"rope_theta":5e4,"num_key_value_heads":2`:         Retrofit,
		`,"rope_theta":5e4,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}`: Retrofit,
	} {
		c, _, err := ParseConfig([]byte(huginn+fields+"}"), nil)
		if err != nil || c.Family != want || c.Block.QKNorm {
			t.Errorf("%s: %v, %v, want %s", fields, c, err, want.Name)
		}
	}
	for _, olmo := range []string{`"norm_eps":0.000001`, `"norm_eps":0.00001,"initial_state_mode":"embed-init"`} {
		c, _, err := ParseConfig([]byte(`{"model_type":"huginn_raven","n_embd":64,"n_heads":4,"rope_theta":1e4,`+olmo+`}`), nil)
		if err != nil || c.Family != Retrofit || !c.Block.QKNorm {
			t.Errorf("%s: %+v, %v, want the OLMo form", olmo, c, err)
		}
	}
}
