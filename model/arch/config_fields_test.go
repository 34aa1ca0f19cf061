package arch

import (
	"strings"
	"testing"
)

// Fields that say in other words what is so anyway, or say nothing of the forward pass, are accepted; a note names what is
// not known or contradicts itself.
func TestConfigFields(t *testing.T) {
	for fields, c := range map[string]struct {
		base float64
		tied bool
		note string
	}{
		``: {50000, true, ""},
		`"rope_parameters":{"rope_theta":10000.0,"rope_type":"default"}`:                    {10000, true, ""},
		`"rope_parameters":{"rope_theta":1e4},"rope_theta":10000,"rope_scaling":null`:       {10000, true, ""},
		`"rope_parameters":{"rope_theta":1e4,"type":"default","partial_rotary_factor":1.0}`: {10000, true, ""},
		`"rope_base":7000,"rope_theta":7000.0,"rope_parameters":{"rope_theta":7e3}`:         {7000, true, ""},
		`"rope_parameters":{"rope_type":"default","factor":null}`:                           {50000, true, ""},
		`"rope_theta":50000,"rope_scaling":{"type":"default"}`:                              {50000, true, ""},
		`"n_heads":55.0,"norm_eps":1e-06,"rms_norm_eps":0.000001`:                           {50000, true, ""},

		`"tie_embeddings":false`:                            {50000, false, ""},
		`"tie_word_embeddings":false`:                       {50000, false, ""},
		`"tie_embeddings":true,"tie_word_embeddings":true`:  {50000, true, ""},
		`"tie_embeddings":true,"tie_word_embeddings":false`: {50000, true, "tie_embeddings is true but tie_word_embeddings is false; tie_embeddings decides"},
		`"tie_embeddings":false,"tie_word_embeddings":true`: {50000, false, "tie_embeddings is false but tie_word_embeddings is true; tie_embeddings decides"},
		`"tie_embeddings":null,"tie_word_embeddings":false`: {50000, false, ""},

		`"torch_dtype":"bfloat16"`:                   {50000, true, ""},
		`"torch_dtype":"torch.float16"`:              {50000, true, ""},
		`"torch_dtype":null,"dtype":"float32"`:       {50000, true, ""},
		`"dtype":{"":"bfloat16"}`:                    {50000, true, ""},
		`"torch_dtype":"float16","dtype":"bfloat16"`: {50000, true, ""},

		`"sliding_window":4096,"use_sliding_window":false,"attention_bias":false,"logit_scale":1.0`:        {50000, true, ""},
		`"layer_types":["full_attention","full_attention"],"quantization_config":{},"test_time_noise":0.0`: {50000, true, ""},
		`"max_length_hint":Infinity,"_name_or_path":"NaN"`:                                                 {50000, true, "not known to this version: max_length_hint"},
		`"zeta":1,"n_embd":5280,"alpha":[]`:                                                                {50000, true, "not known to this version: alpha, zeta"},
	} {
		comma := strings.Repeat(",", min(1, len(fields)))
		c1, notes, err := ParseConfig([]byte(`{"model_type":"huginn_raven"`+comma+fields+`}`), nil)
		if err != nil || c1.RopeBase != c.base || c1.TieEmbeddings != c.tied {
			t.Errorf("%s: base %g, tied %t, %v; want %g, %t", fields, c1.RopeBase, c1.TieEmbeddings, err, c.base, c.tied)
		}
		if all := strings.Join(notes, "\n"); (c.note == "") != (notes == nil) || !strings.Contains(all, c.note) {
			t.Errorf("%s: notes %q, want %q", fields, all, c.note)
		}
	}
}
