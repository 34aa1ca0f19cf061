package checkpoint

import (
	"fmt"
	"sync"

	"muninn/model/checkpoint/gguf"
	"muninn/model/checkpoint/quant"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

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
		return strict.Unusable("%s: reading %s: %w; was the file changed while in use?", at.file.name, name, pathCause(err))
	}
	if c.sums != nil {
		return c.sums.follow(at.TensorInfo, p, off)
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
			return err
		}
		info.DType.Decode(out, raw)
		if &out[0] == &part[0] {
			copy(dst[:n], part[skip:])
		}
		dst, firstElem = dst[n:], firstElem+int64(n)
	}
	return nil
}

// checkBlocks refuses blocks that our own quantiser would not have made. first is the first element of raw.
func (t TensorInfo) CheckBlocks(raw []byte, first int64) error {
	err := quant.Check(t.DType, raw)
	if err == nil {
		return nil
	}
	return strict.Unusable("%s: from element %d on, %w: the file is damaged or was made by another program; make it anew from the original",
		t.Name, first, err)
}

// Stored is the element type of a tensor of the checkpoint.
func (ck *Checkpoint) Stored(name string) format.Type {
	info, _ := ck.Tensor(name)
	return info.DType
}
