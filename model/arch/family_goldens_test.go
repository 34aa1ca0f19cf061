package arch

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/model/internal/golden"
	"muninn/model/internal/strict"
)

// expected is what a config.json means, as the goldens put it: by the names of each family.
type expected struct {
	Layers, Loops, Width, Heads, FF, Vocab, Context, Prelude, Core, Coda int
	LayersPerStack                                                       int      `json:"layers_per_stack"`
	HCycles                                                              int      `json:"H_cycles"`
	LCycles                                                              int      `json:"L_cycles"`
	KVHeads                                                              int      `json:"kv_heads"`
	HeadDim                                                              int      `json:"head_dim"`
	CacheSlots                                                           int      `json:"cache_slots"`
	DefaultSteps                                                         int      `json:"default_steps"`
	RopeTheta                                                            float64  `json:"rope_theta"`
	NormEps                                                              float64  `json:"norm_eps"`
	EmbeddingScale                                                       float64  `json:"embedding_scale"`
	EmbedScale                                                           float64  `json:"embed_scale"`
	StateStd                                                             float64  `json:"state_std"`
	ExitThreshold                                                        *float64 `json:"exit_threshold"`
	ExitAtStep                                                           *int     `json:"exit_at_step"`
	Tied                                                                 bool
	PrefixLM                                                             bool  `json:"prefix_lm"`
	NormBetweenLoops                                                     *bool `json:"norm_between_loops"`
	StopIDs                                                              []int `json:"stop_ids"`
	Variant                                                              string
	InitialStateMode                                                     string `json:"initial_state_mode"`
	RopeScaling                                                          *struct {
		Factor   float64
		Low      float64 `json:"low_freq_factor"`
		High     float64 `json:"high_freq_factor"`
		Original float64 `json:"original_max_position_embeddings"`
		Type     string  `json:"rope_type"`
	} `json:"rope_scaling"`
}

type configCase struct {
	Name, Family string
	Config       json.RawMessage
	Expect       *expected
	Refuse       string `json:"refuse_because_of"`
}

// Every config.json of the goldens means what its own class reads in it, or is refused by the field that is why.
func TestFamilyConfigs(t *testing.T) {
	data, err := os.ReadFile(golden.Path(t, "goldens", "family", "cases.json"))
	var all struct{ Cases []configCase }
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil || len(all.Cases) < 75 {
		t.Fatal(len(all.Cases), err)
	}
	for _, c := range all.Cases {
		name := c.Family + ": " + c.Name
		got, _, err := ParseConfig(c.Config, c.tensors())
		if c.Refuse != "" {
			if err == nil || !strings.Contains(err.Error(), "config.json: ") || !strings.Contains(err.Error(), c.Refuse) {
				t.Errorf("%s: %v, want a refusal that names %s", name, err, c.Refuse)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want(got), got, cmp.Comparer(func(a, b *Family) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if n := slots(got); c.Expect.CacheSlots != 0 && n != c.Expect.CacheSlots {
			t.Errorf("%s: %d caches a token, want %d", name, n, c.Expect.CacheSlots)
		}
		stops := got.Family.Generation(got.VocabSize).WithStops(map[string][]byte{FileConfig: c.Config}, got.VocabSize).EOS
		if !slices.Equal(stops, c.Expect.StopIDs) {
			t.Errorf("%s: stops %v, want %v", name, stops, c.Expect.StopIDs)
		}
	}
}

// tensors are those that tell the variants of a family.
func (c configCase) tensors() Has {
	names := map[string][]string{"T": {"norm_1.weight", "norm_2.weight"}, "P": {"norm_1.weight", "norm_2.weight"},
		"S": {"norm_1.weight", "norm_2.weight", "attn.q_norm.weight"}}[c.Name[:1]]
	return func(tensor string) bool {
		return tensor == NameEmbedding && names != nil || slices.ContainsFunc(names, func(leaf string) bool { return tensor == BlockTensor(PartCore, 0, leaf) })
	}
}

// want is the Config that the goldens describe.
func (c configCase) want(got Config) Config {
	e := c.Expect
	w := Config{NEmbd: e.Width, NHeads: e.Heads, NKVHeads: e.KVHeads, HeadDim: e.HeadDim, IntermediateSize: e.FF, VocabSize: e.Vocab,
		PaddedVocabSize: e.Vocab, BlockSize: e.Context, RopeBase: e.RopeTheta, NormEps: e.NormEps, TieEmbeddings: e.Tied,
		Block: BlockForm{Halves: true, Norms: NormsBefore}, FinalNorm: NormEachPass, Start: StartEmbeds,
		NLayersInRecurrentBlock: e.Layers, MeanRecurrence: e.Loops}
	switch c.Family {
	case "ouro":
		w.Family, w.Block.Norms = Ouro, NormsInside
		if e.ExitThreshold != nil && *e.ExitThreshold < 1 {
			w.ExitThreshold = *e.ExitThreshold
		}
		if e.ExitAtStep != nil {
			w.ExitStep = *e.ExitAtStep + 1
		}
	case "nanbeige":
		w.Family = Nanbeige
		if !*e.NormBetweenLoops {
			w.FinalNorm = NormLast
		}
	case "hrm_text":
		w.Family, w.Block.Weightless, w.Block.Gate, w.NLayersInRecurrentBlock = HRMText, true, true, 2*e.LayersPerStack
		w.MeanRecurrence, w.Cycles, w.EmbedFactor, w.PrefixLM = e.HCycles, e.LCycles, e.EmbeddingScale, e.PrefixLM
	default:
		w.Family, w.FinalNorm, w.Start, w.BlockSize = Retrofit, NormLast, StartDrawn, got.BlockSize
		w.NLayersInPrelude, w.NLayersInRecurrentBlock, w.NLayersInCoda, w.MeanRecurrence = e.Prelude, e.Core, e.Coda, e.DefaultSteps
		w.EmbedFactor, w.InitStd = e.EmbedScale, e.StateStd
		if e.Variant == "olmo" {
			w.Block.Norms, w.Block.QKNorm = NormsAfter, true
		}
		if e.InitialStateMode == "skip-adapter" {
			w.Start = StartEmbedsOnly
		}
		if s := e.RopeScaling; s != nil {
			w.RopeScaling = RopeScaling{s.Factor, s.Low, s.High, s.Original}
		}
	}
	return w
}

// slots is the number of caches that a token fills at the default depth.
func slots(c Config) int {
	return c.NLayersInPrelude + c.MeanRecurrence*c.StepBlocks() + c.NLayersInCoda
}

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
