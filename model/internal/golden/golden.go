// Package golden reads testdata/goldens, outputs of the model authors' own code, for tests.
package golden

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"muninn/shaders/format"
)

// Path is that of a file below testdata, from wherever in the module a test runs.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	dir, _ := os.Getwd()
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(append([]string{dir, "testdata"}, elem...)...)
		}
	}
	t.Fatal("no go.mod above the working directory")
	return ""
}

// JSON reads a file below testdata, compressed by gzip, into a value.
func JSON(t testing.TB, into any, elem ...string) {
	t.Helper()
	f, err := os.Open(Path(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Model is the folder of a model of the goldens.
func Model(t testing.TB, name string) string { return Path(t, "goldens", "models", name) }

// Tensors reads the float32 tensors of goldens/TOPIC/NAME.safetensors as rows along the last axis.
func Tensors(t testing.TB, topic, name string) map[string][][]float32 {
	t.Helper()
	raw, err := os.ReadFile(Path(t, "goldens", topic, name+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Deserialize(raw)
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string][][]float32{}
	for _, tensor := range file.Tensors() {
		values := make([]float32, len(tensor.TensorView.Data())/4)
		format.F32.Decode(values, tensor.TensorView.Data())
		shape := tensor.TensorView.Shape()
		tensors[tensor.Name] = slices.Collect(slices.Chunk(values, int(shape[len(shape)-1])))
	}
	return tensors
}

// Worst is the largest absolute difference of two rows, infinite where lengths differ.
func Worst(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst
}
