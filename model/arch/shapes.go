package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"muninn/model/internal/strict"
)

// Shape is a model without weights.
type Shape struct {
	Name  string
	Says  string // what it stands for
	Steps int    // num_steps that it is measured at
	JSON  string // its config.json; empty: it has none
	Config
}

// Shapes are those that have names.
var Shapes = []Shape{
	shapeOf("tiny", "4 layers of width 64", 32, 64, 2, 160, 384, 1, 2, 1),
	shapeOf("tinyloop", "a usual stand-in for looped models in other engines", 8, 1024, 16, 2816, 4096, 2, 4, 2),
	tied(shapeOf("huginn", "Huginn-0125 whole, 3.56 G weights", 32, 5280, 55, 17920, 65536, 2, 4, 2)),
	shapeOf("huginn-core", "its core block alone, 1.65 G weights with a vocabulary of 1024", 1, 5280, 55, 17920, 1024, 0, 4, 0),
	published("ouro-1.4b", "Ouro-1.4B whole, 1.43 G weights", ouroJSON(24)),
	published("ouro-2.6b", "Ouro-2.6B whole, 2.67 G weights", ouroJSON(48)),
	published("nanbeige-3b", "Nanbeige4.2-3B whole, 4.17 G weights", `{"model_type":"nanbeige","architectures":["NanbeigeForCausalLM"],
		"hidden_size":3072,"num_attention_heads":48,"num_key_value_heads":8,"head_dim":128,"intermediate_size":10752,"vocab_size":166144,
		"num_hidden_layers":22,"num_loops":2,"rms_norm_eps":1e-5,"rope_theta":7e7,"max_position_embeddings":262144,
		"tie_word_embeddings":false,"bos_token_id":166100,"eos_token_id":166101,"pad_token_id":0}`),
	published("hrm-1b", "HRM-Text-1B whole, 1.18 G weights", `{"model_type":"hrm_text","architectures":["HrmTextForCausalLM"],
		"hidden_size":1536,"num_attention_heads":12,"num_key_value_heads":12,"head_dim":128,"intermediate_size":4096,"vocab_size":65536,
		"num_hidden_layers":16,"H_cycles":2,"L_cycles":3,"prefix_lm":true,"embedding_scale":39.191835884530850,"rms_norm_eps":1e-6,
		"rope_theta":10000,"max_position_embeddings":4096,"tie_word_embeddings":false,"bos_token_id":6,"eos_token_id":11,"pad_token_id":5}`),
	published("tinyllama-r", "a retrofitted TinyLlama, 0.84 G weights", retrofitJSON(8, `"n_heads":32,"num_key_value_heads":4,
		"intermediate_size":5632,"vocab_size":32000,"padded_vocab_size":32000,"norm_eps":1e-5,"rope_theta":10000`)),
	published("llama-1b-r", "a retrofitted Llama-3.2-1B, 1.39 G weights", retrofitJSON(6, `"n_heads":32,"num_key_value_heads":8,
		"intermediate_size":8192,"vocab_size":128256,"padded_vocab_size":128256,"norm_eps":1e-5,"rope_theta":500000,
		"rope_scaling":{"rope_type":"llama3","factor":32,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}`)),
	published("olmo-1b-r", "a retrofitted OLMo-2-0425-1B, 1.36 G weights", retrofitJSON(6, `"n_heads":16,"num_key_value_heads":16,
		"intermediate_size":8192,"vocab_size":100352,"padded_vocab_size":100352,"norm_eps":1e-6,"rope_theta":500000`)),
}

func ouroJSON(layers int) string {
	return fmt.Sprintf(`{"model_type":"ouro","architectures":["OuroForCausalLM"],"hidden_size":2048,"num_attention_heads":16,
		"num_key_value_heads":16,"head_dim":128,"intermediate_size":5632,"vocab_size":49152,"num_hidden_layers":%d,"total_ut_steps":4,
		"early_exit_threshold":1,"rms_norm_eps":1e-6,"rope_theta":1e6,"max_position_embeddings":65536,"tie_word_embeddings":false,
		"bos_token_id":0,"eos_token_id":0,"pad_token_id":0}`, layers)
}

// retrofitJSON is config.json as the converter writes it, for 4 layers around so many of the core.
func retrofitJSON(core int, fields string) string {
	return fmt.Sprintf(`{"model_type":"huginn_raven","architectures":["RavenForCausalLM"],"n_embd":2048,"n_layers_in_prelude":4,
		"n_layers_in_recurrent_block":%d,"n_layers_in_coda":4,"mean_recurrence":32,"block_size":4096,"rope_base":50000,"qk_bias":false,
		"bias":false,"tie_embeddings":false,"tie_word_embeddings":false,"init_values":{"std":0.008703882797784892,"embed_scale":1.0},%s}`, core, fields)
}

// published is the shape of a model that there is, by its config.json.
func published(name, says, config string) Shape {
	c, _, err := ParseConfig([]byte(config), nil)
	if err != nil {
		panic(fmt.Sprintf("arch: %s: %v", name, err))
	}
	return Shape{name, says, c.MeanRecurrence, config, c}
}

// ShapeForm is how a shape without a name is written.
const ShapeForm = "n_embd,heads,ff,vocab,P,R,C"

func shapeOf(name, says string, steps, embd, heads, ff, vocab, prelude, core, coda int) Shape {
	return Shape{name, says, steps, "", Config{
		NEmbd: embd, NHeads: heads, HeadDim: embd / max(heads, 1), IntermediateSize: ff, VocabSize: vocab, PaddedVocabSize: vocab,
		NLayersInPrelude: prelude, NLayersInRecurrentBlock: core, NLayersInCoda: coda,
		BlockSize: 4096, MeanRecurrence: 32, RopeBase: 50000, NormEps: 1e-6, QKBias: true,
	}}
}

func tied(s Shape) Shape {
	s.TieEmbeddings = true
	return s
}

// ShapeNames are those of Shapes.
func ShapeNames() string {
	var names []string
	for _, s := range Shapes {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// ParseShape reads a name, the path of a config.json by its ending, or the seven numbers of ShapeForm. Errors wrap ErrModel.
func ParseShape(text string) (Shape, error) {
	if strings.HasSuffix(text, ".json") {
		raw, err := os.ReadFile(text)
		if err != nil {
			return Shape{}, strict.Unusable("shape %w", err)
		}
		c, _, err := ParseConfig(raw, nil)
		return Shape{strings.TrimSuffix(filepath.Base(text), ".json"), "", c.MeanRecurrence, string(raw), c}, err
	}
	for _, s := range Shapes {
		if s.Name == text {
			return s, nil
		}
	}
	items, fields := strings.Split(text, ","), strings.Split(ShapeForm, ",")
	if len(items) != len(fields) {
		return Shape{}, strict.Unusable("shape %s: want one of %s, a config.json, or the seven numbers %s, as in 1024,16,2816,4096,2,4,2", strict.Clip(text), ShapeNames(), ShapeForm)
	}
	var n [7]int
	for i, item := range items {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(item)); err != nil || n[i] < 0 {
			return Shape{}, strict.Unusable("shape %s: %q is no whole number from 0 on (%s)", strict.Clip(text), strict.Clip(item), fields[i])
		}
	}
	return shapeOf(fmt.Sprintf("%dx%d", n[0], n[4]+n[5]+n[6]), "", 32, n[0], n[1], n[2], n[3], n[4], n[5], n[6]), nil
}
