package checkpoint

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"muninn/model/checkpoint/gguf"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// Bounds on a safetensors header. Huginn's has 80 tensors in 9 KiB; the largest Config allowed has under 14 000, and a
// header of 20 000 costs about 20 MiB and a quarter of a second to decode.
const (
	maxHeaderBytes = 16 << 20
	maxTensors     = 20_000
	maxRank        = 8
	maxNameBytes   = 1024
)

// headerLimits: the header, a tensor's object, its arrays; the metadata object has string values only.
var headerLimits = strict.Limits{Depth: 3, Keys: maxTensors + 1, Items: maxRank}

// readHeader reads and checks the header of a safetensors file of the given size: the library decodes it, this strict
// front bounds the work before and refuses what the format forbids but the library lets through. Tensors come back in
// the order of their data, which they fill without gap, overlap or rest. No data is read.
func readHeader(r io.ReaderAt, size int64) ([]location, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if err := gguf.ReadFull(r, prefix[:], 0); err != nil {
		return nil, fmt.Errorf("reading the header's length: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeaderBytes {
		return nil, fmt.Errorf("header of %d bytes, at most %d are read", n, maxHeaderBytes)
	}
	if n > uint64(size)-8 {
		return nil, fmt.Errorf("header of %d bytes in a file of %d: truncated or not a safetensors file", n, size)
	}
	header := make([]byte, n)
	if err := gguf.ReadFull(r, header, 8); err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	if err := strict.Check(header, headerLimits); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	var meta safetensors.Metadata
	if err := json.Unmarshal(header, &meta); err != nil {
		// The library quotes values of any length.
		return nil, errors.New("header: " + strict.ClipTo(200, err.Error()))
	}
	tensors := meta.Tensors()
	switch {
	case len(tensors) == 0:
		return nil, errors.New("header: no tensors")
	case len(tensors) > maxTensors:
		return nil, fmt.Errorf("header: more than %d tensors", maxTensors)
	}
	return layout(tensors, 8+int64(n), size-8-int64(n))
}

// layout checks every tensor against its shape, its neighbours and the data section of the given length.
func layout(tensors map[string]*safetensors.TensorInfo, start, length int64) ([]location, error) {
	type entry struct {
		name string
		*safetensors.TensorInfo
	}
	entries := make([]entry, 0, len(tensors))
	for name, info := range tensors {
		entries = append(entries, entry{name, info})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(slices.Compare(a.DataOffsets[:], b.DataOffsets[:]), strings.Compare(a.name, b.name))
	})
	out := make([]location, 0, len(entries))
	var next uint64
	for _, e := range entries {
		name, begin, end := strict.Clip(e.name), e.DataOffsets[0], e.DataOffsets[1]
		want, shape, err := checkedShape(e.Shape, e.DType.Size())
		switch {
		case e.name == "" || len(e.name) > maxNameBytes || strings.ContainsRune(e.name, 0):
			return nil, fmt.Errorf("tensor name %q is empty, too long or holds a zero byte", name)
		case err != nil:
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		case end < begin:
			return nil, fmt.Errorf("tensor %q: ends at byte %d before it begins at %d", name, end, begin)
		case end > uint64(length):
			return nil, fmt.Errorf("tensor %q: ends at byte %d of %d bytes of data: truncated file or false offsets", name, end, length)
		case end-begin != want:
			return nil, fmt.Errorf("tensor %q: %d bytes, want %d for %s %v", name, end-begin, want, e.DType, e.Shape)
		case begin < next:
			return nil, fmt.Errorf("tensor %q: overlaps the one before it (begins at byte %d, want %d)", name, begin, next)
		case begin > next:
			return nil, fmt.Errorf("tensor %q: a gap before it (begins at byte %d, want %d)", name, begin, next)
		}
		next = end
		info := TensorInfo{Name: e.name, DType: format.InFile(e.DType.String()), Shape: shape, Bytes: int64(want)}
		out = append(out, location{TensorInfo: info, start: start + int64(begin)})
	}
	if next != uint64(length) {
		return nil, fmt.Errorf("%d bytes after the last tensor", uint64(length)-next)
	}
	return out, nil
}

// checkedShape is the size in bytes of a tensor, by multiplications that notice when 64 bits are too few.
func checkedShape(dims []uint64, element uint64) (size uint64, shape []int, err error) {
	size = element
	shape = make([]int, len(dims))
	for i, dim := range dims {
		if dim > math.MaxInt32 {
			return 0, nil, fmt.Errorf("shape %v: a dimension above %d", dims, math.MaxInt32)
		}
		high, low := bits.Mul64(size, dim)
		if high != 0 || low > math.MaxInt64 {
			return 0, nil, fmt.Errorf("shape %v: its size overflows 64 bits", dims)
		}
		size, shape[i] = low, int(dim)
	}
	return size, shape, nil
}
