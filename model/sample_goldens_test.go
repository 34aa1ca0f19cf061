package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nlpodyssey/safetensors"
)

// filterCase is one case of testdata/goldens/sampling/filters.json.
type filterCase struct {
	Logits            string
	History           [][]int32
	Temperature       float64
	TopK              int     `json:"top_k"`
	TopP              float64 `json:"top_p"`
	MinP              float64 `json:"min_p"`
	RepetitionPenalty float64 `json:"repetition_penalty"`
	DRYMultiplier     float64 `json:"dry_multiplier"`
	DRYBase           float64 `json:"dry_base"`
	DRYAllowedLength  int     `json:"dry_allowed_length"`
	Probs             string
	PenalisedLogits   string `json:"penalised_logits"`
	Kept              []int
}

func (c filterCase) sampling() Sampling {
	return Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP, RepetitionPenalty: c.RepetitionPenalty,
		DRYMultiplier: c.DRYMultiplier, DRYBase: c.DRYBase, DRYAllowedLength: c.DRYAllowedLength}
}

func filterGoldens(t *testing.T) ([]filterCase, func(name string) [][]float32) {
	t.Helper()
	dir := filepath.Join("..", "testdata", "goldens", "sampling")
	text, err := os.ReadFile(filepath.Join(dir, "filters.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []filterCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tensors := goldenTensors(t, "sampling", "filters")
	return file.Cases, func(name string) [][]float32 {
		rows, ok := tensors[name]
		if !ok {
			t.Fatalf("no tensor %s", name)
		}
		copied := make([][]float32, len(rows))
		for i, row := range rows {
			copied[i] = slices.Clone(row)
		}
		return copied
	}
}

// goldenTensors reads testdata/goldens/TOPIC/NAME.safetensors, float32, as rows along the last axis.
func goldenTensors(t *testing.T, topic, name string) map[string][][]float32 {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "goldens", topic, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Deserialize(raw)
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string][][]float32{}
	for _, tensor := range file.Tensors() {
		shape, data := tensor.TensorView.Shape(), tensor.TensorView.Data()
		cols := int(shape[len(shape)-1])
		rows := make([][]float32, len(data)/4/cols)
		for i := range rows {
			rows[i] = make([]float32, cols)
			F32.Decode(rows[i], data[4*i*cols:])
		}
		tensors[tensor.Name] = rows
	}
	return tensors
}
