package checkpoint

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/model/checkpoint/quant"
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
	expected := map[string]bool{}
	for _, spec := range c.Config.TensorSpecs() {
		expected[spec.Name] = true
		got, ok := c.Tensor(spec.Name)
		switch {
		case !ok && spec.Optional:
		case !ok && spec.Part == arch.PartHead:
			return strict.Unusable("%s: missing, and tie_embeddings is false: the model has no output matrix", spec.Name)
		case !ok:
			return strict.Unusable("%s: missing; the checkpoint is not complete or config.json is of another one", spec.Name)
		case !slices.Equal(got.Shape, spec.Shape):
			return strict.Unusable("%s: shape %v, want %v", spec.Name, got.Shape, spec.Shape)
		case !got.DType.Known():
			return strict.Unusable("%s: element type %s, want f32, f16 or bf16", spec.Name, got.DType)
		case got.DType.Blocked() && !spec.Matrix():
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
		zero := ok && spec.Matrix()
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

// ReadAt fills p with the stored bytes of a tensor from byte off on.
func (c *Checkpoint) ReadAt(name string, p []byte, off int64) error {
	at, ok := c.locations[name]
	if !ok {
		return strict.Unusable("%s: no such tensor in the checkpoint", strict.Clip(name))
	}
	if off < 0 || off > at.Bytes || int64(len(p)) > at.Bytes-off {
		return fmt.Errorf("model: %s: bytes %d to %d asked for, it has %d", name, off, off+int64(len(p)), at.Bytes)
	}
	if err := gguf.ReadFull(at.file.r, p, at.start+off); err != nil {
		return c.Named(strict.Unusable("%s: reading %s: %w; was the file changed while in use?", at.file.name, name, pathCause(err)))
	}
	if c.sums != nil {
		return c.Named(c.sums.follow(at.TensorInfo, p, off))
	}
	return nil
}

// decodeBuffers hold stored bytes on their way to float32.
var decodeBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadF32 fills dst with elements of a tensor from firstElem on, converted to float32 (exact for f16 and bf16).
func (c *Checkpoint) ReadF32(name string, dst []float32, firstElem int64) error {
	info, _ := c.Tensor(name)
	block, bytes := info.DType.Block()
	if block == 0 && info.Name != "" {
		return strict.Unusable("%s: element type %s, want f32, f16 or bf16", name, info.DType)
	}
	if block == 0 {
		return strict.Unusable("%s: no such tensor in the checkpoint", strict.Clip(name))
	}
	if have := info.DType.Elements(info.Bytes); firstElem < 0 || firstElem > have || int64(len(dst)) > have-firstElem {
		return fmt.Errorf("model: %s: elements %d to %d asked for, it has %d", name, firstElem, firstElem+int64(len(dst)), have)
	}
	buf := decodeBuffers.Get().(*[64 << 10]byte)
	defer decodeBuffers.Put(buf)
	var part [format.Block]float32
	for len(dst) > 0 {
		skip := int(firstElem % int64(block))
		n := min(len(dst), len(buf)/4) / block * block
		out := dst[:n]
		if skip > 0 || n == 0 {
			// A part of a block: decode all of it.
			n = min(block-skip, len(dst))
			out = part[:block]
		}
		raw := buf[:len(out)/block*bytes]
		if err := c.ReadAt(name, raw, firstElem/int64(block)*int64(bytes)); err != nil {
			return err
		}
		if err := info.CheckBlocks(raw, firstElem); err != nil {
			return c.Named(err)
		}
		info.DType.Decode(out, raw)
		if &out[0] == &part[0] {
			copy(dst[:n], part[skip:])
		}
		dst, firstElem = dst[n:], firstElem+int64(n)
	}
	return nil
}

// checkBlocks refuses blocks that our own quantizer would not have made. first is the first element of raw.
func (t TensorInfo) CheckBlocks(raw []byte, first int64) error {
	err := quant.Check(t.DType, raw)
	if err == nil {
		return nil
	}
	return strict.Unusable("%s: from element %d on, %w: the file is damaged or was made by another program; re-create it from the original",
		t.Name, first, err)
}

// Stored is the element type of a tensor of the checkpoint.
func (ck *Checkpoint) Stored(name string) format.Type {
	info, _ := ck.Tensor(name)
	return info.DType
}
