package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"unicode/utf8"

	"muninn/model/internal/strict"
)

// KV is a key and its value: uint32, uint64, int32, float32, bool, string, []string, []int32 or []uint32.
type KV struct {
	Key   string
	Value any
}

// Writer writes one file. Tensor data goes in by Write, one tensor after another in the table's order; Close shows the file.
type Writer struct {
	tensors []Tensor
	sums    []uint32 // of the header, of each tensor
	header  []byte
	sumsAt  int // in header
	size    int64
	current int
	left    int64 // bytes of the current tensor
	out     io.Writer
	file    *pending
	err     error
}

// Create starts a file: it writes the header to a hidden file beside path, after removing what writers that died left there.
// Offset and Bytes of the tensors are the Writer's to choose. A disk without the space is an ErrNoSpace now, where the
// system can tell, and otherwise when it is full.
func Create(path string, meta []KV, tensors []Tensor) (*Writer, error) {
	w, err := layout(meta, tensors)
	if err != nil {
		return nil, err
	}
	if w.file, err = createPending(path, w.size); err != nil {
		return nil, err
	}
	w.out = w.file
	w.put(w.header)
	w.next()
	if w.err != nil {
		w.Abort()
		return nil, w.err
	}
	return w, nil
}

// Size is the length of the file.
func (w *Writer) Size() int64 { return w.size }

// layout makes the header.
func layout(meta []KV, tensors []Tensor) (*Writer, error) {
	w := &Writer{tensors: slices.Clone(tensors), sums: make([]uint32, len(tensors)+1), current: -1}
	meta = append(slices.Clone(meta), KV{ChecksumKey, w.sums})
	var b bytes.Buffer
	b.WriteString(Magic)
	le(&b, uint32(version))
	le(&b, uint64(len(tensors)))
	le(&b, uint64(len(meta)))
	seen := map[string]bool{}
	for _, kv := range meta {
		if seen[kv.Key] {
			return nil, fmt.Errorf("gguf: key %s given twice", kv.Key)
		}
		seen[kv.Key] = true
		if err := errors.Join(writeText(&b, kv.Key), writeValue(&b, kv.Value)); err != nil {
			return nil, fmt.Errorf("gguf: key %q: %w", kv.Key, err)
		}
	}
	w.sumsAt = b.Len() - 4*len(w.sums) // the checksums are the last value
	offset := uint64(0)
	for i := range w.tensors {
		t := &w.tensors[i]
		if seen[t.Name] {
			return nil, fmt.Errorf("gguf: tensor %s given twice", t.Name)
		}
		seen[t.Name] = true
		size, err := t.measure()
		if err != nil {
			return nil, fmt.Errorf("gguf: %w", err)
		}
		t.Offset, t.Bytes = int64(offset), int64(size)
		if err := writeText(&b, t.Name); err != nil {
			return nil, fmt.Errorf("gguf: a tensor's name: %w", err)
		}
		le(&b, uint32(len(t.Dims)))
		for _, dim := range t.Dims {
			le(&b, dim)
		}
		le(&b, t.Type.GGUF())
		le(&b, offset)
		offset = aligned(offset+size, defaultAlign)
	}
	b.Write(make([]byte, aligned(uint64(b.Len()), defaultAlign)-uint64(b.Len())))
	w.header, w.size = b.Bytes(), int64(b.Len())+int64(offset)
	return w, nil
}

// le appends numbers as the file has them.
func le(b *bytes.Buffer, v any) {
	_ = binary.Write(b, binary.LittleEndian, v) // of fixed size, to memory
}

func writeText(b *bytes.Buffer, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not valid UTF-8", strict.Clip(s))
	}
	le(b, uint64(len(s)))
	b.WriteString(s)
	return nil
}

// kindOf are the kinds of values that are written, and of elements of arrays.
var kindOf = map[reflect.Kind]Kind{reflect.Uint32: Uint32, reflect.Int32: Int32, reflect.Uint64: Uint64, reflect.Float32: Float32,
	reflect.Bool: Bool, reflect.String: String}

func writeValue(b *bytes.Buffer, value any) error {
	v := reflect.ValueOf(value)
	t := v.Type()
	array := t.Kind() == reflect.Slice
	if array {
		le(b, Array)
		t = t.Elem()
	}
	kind, ok := kindOf[t.Kind()]
	if !ok {
		return fmt.Errorf("a value of type %T", value)
	}
	le(b, kind)
	if array {
		le(b, uint64(v.Len()))
	}
	switch v := value.(type) {
	case string:
		return writeText(b, v)
	case []string:
		for _, s := range v {
			if err := writeText(b, s); err != nil {
				return err
			}
		}
	default:
		le(b, value)
	}
	return nil
}

// put writes p as it is.
func (w *Writer) put(p []byte) {
	if w.err == nil {
		if _, err := w.out.Write(p); err != nil {
			w.err = w.file.explain(err)
		}
	}
}

// next goes to the next tensor.
func (w *Writer) next() {
	if w.current++; w.current < len(w.tensors) {
		w.left = w.tensors[w.current].Bytes
	}
}

// Write adds data to the current tensor, and goes on to the next when it is complete. A first error sticks.
func (w *Writer) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 && w.err == nil {
		if w.current == len(w.tensors) {
			w.err = fmt.Errorf("gguf: %d bytes more than the tensors have", len(p))
			break
		}
		n := int(min(int64(len(p)), w.left))
		w.put(p[:n])
		w.sums[1+w.current] = Checksum(w.sums[1+w.current], p[:n])
		p, w.left, written = p[n:], w.left-int64(n), written+n
		if w.left == 0 {
			size := uint64(w.tensors[w.current].Bytes)
			w.put(make([]byte, aligned(size, defaultAlign)-size))
			w.next()
		}
	}
	return written, w.err
}

// Close completes the file and gives it its name, replacing what had it before: on the disk there is the old file or the
// whole new one, whenever the machine stops. After an error nothing is left.
func (w *Writer) Close() error {
	if w.err == nil && w.current < len(w.tensors) {
		w.err = fmt.Errorf("gguf: tensor %s lacks %d bytes", w.tensors[w.current].Name, w.left)
	}
	if w.err != nil {
		w.Abort()
		return w.err
	}
	w.sums[0] = Checksum(0, w.header) // the checksums in it are still zero
	p := w.header[w.sumsAt:][:4*len(w.sums)]
	for i, sum := range w.sums {
		binary.LittleEndian.PutUint32(p[4*i:], sum)
	}
	return w.file.commit(p, int64(w.sumsAt))
}

// Abort removes what was written. After Close it does nothing.
func (w *Writer) Abort() { w.file.discard() }
