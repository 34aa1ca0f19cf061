package arch

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/model/internal/golden"
	"muninn/model/internal/strict"
)

// The file in the reference's repository has neither n_heads nor rope_base nor padded_vocab_size, and its defaults are
// Huginn's.
func TestConfigDefaults(t *testing.T) {
	got, notes, err := ParseConfig([]byte(`{"model_type":"huginn_raven","num_attention_heads":55,"hidden_size":5280,"rope_scaling":null}`), nil)
	want := Config{Family: Huginn, NEmbd: 5280, NHeads: 55, HeadDim: 96, NLayersInPrelude: 2, NLayersInRecurrentBlock: 4, NLayersInCoda: 2,
		IntermediateSize: 17920, VocabSize: 65536, PaddedVocabSize: 65536, BlockSize: 4096, MeanRecurrence: 32,
		RopeBase: 50000, NormEps: 1e-6, TieEmbeddings: true, QKBias: true}
	if err != nil || notes != nil || got != want {
		t.Errorf("%v, %v\n%s", err, notes, cmp.Diff(want, got))
	}
	// Figures of the model card: 3.565 G in all, 1.637 G touched by a step, 0.346 G in the embedding.
	p, wantParams := paramsByPart(got), map[Part]int64{PartEmbedding: 346030080, PartPrelude: 790796160, PartAdapter: 55756800,
		PartCore: 1581592320, PartCoda: 790796160, PartNorm: 5280, PartHead: 346030080}
	if diff := cmp.Diff(wantParams, p); diff != "" || got.Params() != 3564976800 {
		t.Errorf("%d parameters, by part: %s", got.Params(), diff)
	}
	if std := got.StateStd() * got.EmbedScale(); math.Abs(std-math.Sqrt(0.4)) > 1e-15 {
		t.Errorf("an element of the initial state has deviation %v before the cut, want sqrt(0.4)", std)
	}
}

func TestConfigGoldens(t *testing.T) {
	for dir, want := range map[string]Config{
		"B-bf16-sharded": {Family: Huginn, NEmbd: 192, NHeads: 2, HeadDim: 96, NLayersInPrelude: 2, NLayersInRecurrentBlock: 4, NLayersInCoda: 2,
			IntermediateSize: 336, VocabSize: 1024, PaddedVocabSize: 1024, BlockSize: 256, MeanRecurrence: 32,
			RopeBase: 50000, NormEps: 1e-6, TieEmbeddings: true, QKBias: true},
		"D-bf16": {Family: Huginn, NEmbd: 72, NHeads: 3, HeadDim: 24, NLayersInPrelude: 3, NLayersInRecurrentBlock: 2, NLayersInCoda: 2,
			IntermediateSize: 200, VocabSize: 640, PaddedVocabSize: 640, BlockSize: 160, MeanRecurrence: 12,
			RopeBase: 10000, NormEps: 1e-5, Bias: true},
	} {
		data, err := os.ReadFile(golden.Path(t, "goldens", "models", dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if got, notes, err := ParseConfig(data, nil); err != nil || notes != nil || got != want {
			t.Errorf("%s: %v, %v\n%s", dir, err, notes, cmp.Diff(want, got))
		}
	}
}

func TestTensorSpecs(t *testing.T) {
	c := Config{NEmbd: 8, NHeads: 2, HeadDim: 4, NLayersInPrelude: 1, NLayersInRecurrentBlock: 2, NLayersInCoda: 1,
		IntermediateSize: 6, VocabSize: 10, PaddedVocabSize: 12, Bias: true, QKBias: true}
	var lines []string
	for _, s := range c.TensorSpecs() {
		if s.Optional {
			t.Errorf("%s is optional in an untied model", s.Name)
		}
		lines = append(lines, s.Name)
	}
	if n := 1 + 4*9 + 2 + 1 + 1; len(lines) != n {
		t.Errorf("%d tensors, want %d", len(lines), n)
	}
	if i, j := slices.Index(lines, "transformer.adapter.bias"), slices.Index(lines, "transformer.core_block.1.mlp.fc.weight"); i < 0 || j < i {
		t.Errorf("order of the forward pass: adapter.bias at %d, core_block.1 at %d", i, j)
	}
	// D of the goldens has its own output matrix and no qk_bias: both sides of each switch are counted by hand here.
	p, block := paramsByPart(c), int64(4*8+24*8+16+64+12*8+8*6)
	if p[PartHead] != 96 || p[PartAdapter] != 8*16+8 || p[PartPrelude] != block || p[PartCore] != 2*block || c.Params() != 96+96+136+4*block+8 {
		t.Errorf("%d parameters, by part %v", c.Params(), p)
	}
}

func paramsByPart(c Config) map[Part]int64 {
	n := map[Part]int64{}
	for _, spec := range c.TensorSpecs() {
		n[spec.Part] += spec.Elements()
	}
	return n
}

func TestCheckJSON(t *testing.T) {
	limits := strict.Limits{Depth: 3, Keys: 2, Items: 3}
	for text, want := range map[string]string{
		`{"a":1,"b":[1,2,3]}`:       "",
		` {"a":{"a":{"a":"a"}}} `:   "",
		`{"a":[{"a":1},{"a":1}]}`:   "", // the same key in two objects
		`{"a":"b","b":"a"}`:         "", // a value that is also a key
		`{"a":1,"b":2,"c":3}`:       "more than 2 keys",
		`{"a":[1,2,3,4]}`:           "more than 3 elements",
		`{"a":[[[1]]]}`:             "deeper than 3",
		`{"a":1,"b":{"c":1,"c":2}}`: `duplicate key "c"`,
		`{"a":[1,,2]}`:              "not valid JSON",
		`{"a" 1}`:                   "not valid JSON",
		`{"a":1,}`:                  "not valid JSON",
		`{"a":1`:                    "ends too early",
		`{"a":1}]`:                  "more text",
		`"a"`:                       "not a JSON object",
		``:                          "ends too early",
	} {
		err := strict.Check([]byte(text), limits)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
