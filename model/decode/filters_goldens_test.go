package decode

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"muninn/model/internal/golden"
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

func (c filterCase) filters() Filters {
	return Filters{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP, RepetitionPenalty: c.RepetitionPenalty,
		DRYMultiplier: c.DRYMultiplier, DRYBase: c.DRYBase, DRYAllowedLength: c.DRYAllowedLength}
}

func filterGoldens(t *testing.T) ([]filterCase, func(name string) [][]float32) {
	t.Helper()
	dir := golden.Path(t, "goldens", "sampling")
	text, err := os.ReadFile(filepath.Join(dir, "filters.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []filterCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	tensors := golden.Tensors(t, "sampling", "filters")
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
