package shaders

import "fmt"

// KVType is how the cache stores keys and values.
type KVType int

// The KV types. KVQ8 is blocks of 32 values of 8 bits with a half precision scale.
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
}{
	KVF32: {"f32", 4, 16}, KVF16: {"f16", 8, 16}, KVQ8: {"q8", 32, 34},
}

// KVTypes lists the KV types.
func KVTypes() []KVType { return []KVType{KVF32, KVF16, KVQ8} }

// String is the type's name as on the command line.
func (t KVType) String() string { return kvTypes[t].name }

// HeadBytes is what the keys, or the values, of one head take at one position, per slot.
func (t KVType) HeadBytes(headDim int) uint64 {
	k := kvTypes[t]
	return uint64((headDim+k.values-1)/k.values) * uint64(k.bytes)
}

// ParseKVType reads a name that String prints.
func ParseKVType(name string) (KVType, error) {
	for _, t := range KVTypes() {
		if t.String() == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("shaders: KV type %q is not known; use f32, f16 or q8", name)
}
