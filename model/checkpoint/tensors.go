package checkpoint

import (
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// TensorInfo is one tensor that a checkpoint holds.
type TensorInfo struct {
	Name  string
	DType format.Type
	Shape []int
	Bytes int64
}

// checkTensors compares what a checkpoint holds with the table: nothing missing, no other shape or element type,
// nothing left over.
func checkTensors(c arch.Config, have map[string]TensorInfo) error {
	if err := arch.RelativeByTensors(func(name string) bool { _, ok := have[name]; return ok }); err != nil {
		return err
	}
	expected := map[string]bool{}
	for _, spec := range c.TensorSpecs() {
		expected[spec.Name] = true
		got, ok := have[spec.Name]
		switch {
		case !ok && spec.Optional:
		case !ok && spec.Name == arch.NameHead:
			return strict.Unusable("%s: missing, and tie_embeddings is false: the model has no output matrix", spec.Name)
		case !ok:
			return strict.Unusable("%s: missing; the checkpoint is not complete or config.json is of another one", spec.Name)
		case !slices.Equal(got.Shape, spec.Shape):
			return strict.Unusable("%s: shape %v, want %v", spec.Name, got.Shape, spec.Shape)
		case !got.DType.Known():
			return strict.Unusable("%s: element type %s, want f32, f16 or bf16", spec.Name, got.DType)
		case got.DType.Blocked() && len(spec.Shape) != 2:
			return strict.Unusable("%s: element type %s, which only matrices may have", spec.Name, got.DType)
		}
	}
	var extra []string
	for name := range have {
		if !expected[name] && !ignorable(name) {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	slices.Sort(extra)
	for i := range extra {
		extra[i] = strict.Clip(extra[i])
	}
	if n := len(extra); n > 3 {
		return strict.Unusable("%d tensors that config.json does not account for: %s, ...", n, strings.Join(extra[:3], ", "))
	}
	return strict.Unusable("tensors that config.json does not account for: %s", strings.Join(extra, ", "))
}

// ignorable tensors are precomputed tables that some files carry; they are never read.
func ignorable(name string) bool {
	return name == arch.NameRopeTable || strings.HasSuffix(name, ".inv_freq")
}
