package checkpoint

import (
	"bytes"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// TensorInfo is one tensor that a checkpoint holds.
type TensorInfo struct {
	Name  string      `json:"name"`
	DType format.Type `json:"format"`
	Shape []int       `json:"shape"`
	Bytes int64       `json:"bytes"`
}

// checkTensors compares what the checkpoint holds with the table: nothing missing, no other shape or element type,
// nothing left over.
func (c *Checkpoint) checkTensors() error {
	if err := arch.Foreign(c.holds); err != nil {
		return err
	}
	expected := map[string]bool{}
	for _, spec := range c.Config.TensorSpecs() {
		expected[spec.Name] = true
		got, ok := c.Tensor(spec.Name)
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
	for _, t := range c.tensors {
		if !expected[t.Name] && !ignorable(t.Name) {
			extra = append(extra, strict.Clip(t.Name))
		}
	}
	slices.Sort(extra)
	if n := len(extra); n == 0 {
		return nil
	} else if n > 3 {
		return strict.Unusable("%d tensors that config.json does not account for: %s, ...", n, strings.Join(extra[:3], ", "))
	}
	return strict.Unusable("tensors that config.json does not account for: %s", strings.Join(extra, ", "))
}

// ignorable tensors are precomputed tables that some files carry; they are never read.
func ignorable(name string) bool {
	return name == arch.NameRopeTable || strings.HasSuffix(name, ".inv_freq")
}

// wrappers are what training tools put into the names of tensors.
var wrappers = strings.NewReplacer("_orig_mod.", "", "_fsdp_wrapped_module.", "", "_checkpoint_wrapped_module.", "")

// bareName is a tensor's name without what torch.compile, FSDP and DataParallel put into it.
func bareName(name string) string { return strings.TrimPrefix(wrappers.Replace(name), "module.") }

// checkZeros refuses matrices that have nothing but zeros, as a download leaves them that reserved its space and stopped. A
// sound matrix shows another value where it begins, so little is read.
func (c *Checkpoint) checkZeros() error {
	var p, zeros [16 << 10]byte
	for _, spec := range c.Config.TensorSpecs() {
		info, ok := c.Tensor(spec.Name)
		zero := ok && len(spec.Shape) == 2
		for off := int64(0); zero && off < info.Bytes; off += int64(len(p)) {
			n := min(int64(len(p)), info.Bytes-off)
			if err := c.ReadAt(spec.Name, p[:n], off); err != nil {
				return err
			}
			zero = bytes.Equal(p[:n], zeros[:n])
		}
		if zero {
			return strict.Unusable("%s: every weight is zero: the file was not written to its end; fetch it again", spec.Name)
		}
	}
	return nil
}
