package shaders

import "fmt"

// KVType is how the cache stores keys and values.
type KVType int

// The KV types. KVQ8 is blocks of 32 integers of 8 bits with a bfloat16 scale, which is never subnormal and read by a shift. A block of
// keys and that of values beside it share a word of scales, so that one invocation writes all of a word, however many blocks a head has.
const (
	KVF32 KVType = iota
	KVF16
	KVQ8
)

// kvTypes say what one head's keys (or values) of one position take: blocks of so many values, of so many bytes.
var kvTypes = []struct {
	name   string
	values int // the head size is rounded up to a multiple of it
	bytes  int // of that many values
	scales int // bytes of the scales of that many keys and values, which lie with the keys
}{
	KVF32: {"f32", 4, 16, 0}, KVF16: {"f16", 8, 16, 0}, KVQ8: {"q8", 32, 32, 4},
}

// KVTypes lists the KV types.
func KVTypes() []KVType { return []KVType{KVF32, KVF16, KVQ8} }

// String is the type's name as on the command line.
func (t KVType) String() string { return kvTypes[t].name }

// blocks is how many runs of so many values a head has.
func (t KVType) blocks(headDim int) int {
	return (headDim + kvTypes[t].values - 1) / kvTypes[t].values
}

// units is the number of 16-byte units in a head's vector, without scales.
func (t KVType) units(headDim int) int {
	return t.blocks(headDim) * kvTypes[t].bytes / 16
}

// perUnit is the number of values in a 16-byte unit.
func (t KVType) perUnit() int { return kvTypes[t].values * 16 / kvTypes[t].bytes }

// HeadBytes is what the keys, or the values, of one head take at one position, per slot: half of both.
func (t KVType) HeadBytes(headDim int) uint64 {
	return uint64(t.blocks(headDim) * (kvTypes[t].bytes + kvTypes[t].scales/2))
}

// KeyBytes is the same of the keys and the scales of both, valueBytes of the values' integers alone.
func (t KVType) KeyBytes(headDim int) uint64   { return t.valueBytes(headDim) + t.scaleBytes(headDim) }
func (t KVType) valueBytes(headDim int) uint64 { return uint64(t.units(headDim) * 16) }
func (t KVType) scaleBytes(headDim int) uint64 { return uint64(t.blocks(headDim) * kvTypes[t].scales) }

// ParseKVType reads a name that String prints.
func ParseKVType(name string) (KVType, error) {
	for _, t := range KVTypes() {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("shaders: KV type %q is not known; use f32, f16 or q8", name)
}
