package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
)

const fileGGUF = "model.gguf"

// entry is a key of a GGUF file: kind and bytes of its value, true or not.
type entry struct {
	key   string
	kind  uint32
	value []byte
}

// ggufTensor is a line of the tensor table. dims begin with the length of a row.
type ggufTensor struct {
	name   string
	dims   []uint64
	kind   uint32
	offset uint64
}

// ggufFile is a GGUF file before it is written; counts of 0 are the true ones.
type ggufFile struct {
	magic         string
	version       uint32
	keys, tensors uint64
	entries       []entry
	table         []ggufTensor
	data          []byte
	sum           func(sum uint32) uint32 // changes the header's checksum
}

// Numbers of GGUF's kinds of values.
const (
	kindUint32, kindFloat32, kindBool, kindString, kindArray = 4, 6, 7, 8, 9
)

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
func str(s string) []byte { return append(u64(uint64(len(s))), s...) }
func ggufList(kind uint32, n uint64, elements ...byte) []byte {
	return append(append(u32(kind), u64(n)...), elements...)
}

// soundGGUF is the sound checkpoint as a GGUF file.
func soundGGUF() *ggufFile {
	folder := sound()
	config, _ := json.Marshal(folder.config)
	g := &ggufFile{magic: "GGUF", version: 3, data: folder.weights.data, sum: func(sum uint32) uint32 { return sum }}
	g.add("general.architecture", kindString, str("huginn"))
	for _, n := range []struct {
		key string
		v   uint32
	}{{"block_count", 3}, {"context_length", 16}, {"embedding_length", width}, {"feed_forward_length", inner}, {"vocab_size", vocab},
		{"attention.head_count", heads}, {"attention.head_count_kv", heads}, {"rope.dimension_count", width / heads},
		{"recurrence.prelude_layers", 1}, {"recurrence.core_layers", 1}, {"recurrence.coda_layers", 1}, {"recurrence.mean_recurrence", 4}} {
		g.add("huginn."+n.key, kindUint32, u32(n.v))
	}
	g.add("huginn.attention.layer_norm_rms_epsilon", kindFloat32, u32(math.Float32bits(1e-6)))
	g.add("huginn.rope.freq_base", kindFloat32, u32(math.Float32bits(50000)))
	g.add("muninn.config.json", kindString, str(string(config)))
	g.add("muninn.generation_config.json", kindString, str(folder.generation))
	for _, t := range folder.weights.tensors {
		row := ggufTensor{name: t.name, offset: t.begin}
		shape := strings.Split(strings.Trim(t.shape, "[]"), ",")
		for i := len(shape) - 1; i >= 0; i-- {
			dim, _ := strconv.ParseUint(shape[i], 10, 64)
			row.dims = append(row.dims, dim)
		}
		g.table = append(g.table, row)
	}
	return g
}

func (g *ggufFile) add(key string, kind uint32, value []byte) {
	g.entries = append(g.entries, entry{key, kind, value})
}

func (g *ggufFile) find(key string) *entry {
	for i := range g.entries {
		if g.entries[i].key == key {
			return &g.entries[i]
		}
	}
	panic("hostile: no key " + key)
}

// last is ln_f, 64 bytes at the end of the data.
func (g *ggufFile) last() *ggufTensor { return &g.table[len(g.table)-1] }

// bytes is the file, with the checksums that muninn adds to it.
func (g *ggufFile) bytes() []byte {
	head := func(sums []byte) []byte {
		b := bytes.NewBufferString(g.magic)
		keys, tensors := uint64(len(g.entries)), uint64(len(g.table))
		if sums != nil {
			keys++
		}
		if g.keys != 0 {
			keys = g.keys
		}
		if g.tensors != 0 {
			tensors = g.tensors
		}
		b.Write(append(append(u32(g.version), u64(tensors)...), u64(keys)...))
		for _, e := range g.entries {
			b.Write(append(append(str(e.key), u32(e.kind)...), e.value...))
		}
		if sums != nil {
			b.Write(append(append(str("muninn.crc32c"), u32(kindArray)...), ggufList(kindUint32, uint64(len(sums)/4), sums...)...))
		}
		for _, t := range g.table {
			b.Write(append(str(t.name), u32(uint32(len(t.dims)))...))
			for _, dim := range t.dims {
				b.Write(u64(dim))
			}
			b.Write(append(u32(t.kind), u64(t.offset)...))
		}
		b.Write(make([]byte, (32-b.Len()%32)%32))
		return b.Bytes()
	}
	if g.sum == nil {
		return append(head(nil), g.data...)
	}
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	sums := make([]byte, 4)
	for i, t := range g.table {
		end := uint64(len(g.data))
		if i+1 < len(g.table) {
			end = g.table[i+1].offset
		}
		part := g.data[min(t.offset, uint64(len(g.data))):min(max(t.offset, end), uint64(len(g.data)))]
		sums = append(sums, u32(crc32.Checksum(part, castagnoli))...)
	}
	binary.LittleEndian.PutUint32(sums, g.sum(crc32.Checksum(head(append(make([]byte, 4), make([]byte, 4*len(g.table))...)), castagnoli)))
	return append(head(sums), g.data...)
}
