package shaders

import (
	"strings"
	"testing"
)

// 84,480 bytes of f16 a position and slot over four layers of 55 heads of 96, as the published figures of the model say.
func TestKVTypes(t *testing.T) {
	for name, want := range map[string]uint64{"f32": 384, "f16": 192, "q8": 102} {
		kv, err := ParseKVType(name)
		if err != nil || kv.HeadBytes(96) != want || kv.String() != name {
			t.Errorf("%s: %v, %d bytes, want %d (%v)", name, kv, kv.HeadBytes(96), want, err)
		}
	}
	if got := 4 * 2 * 55 * KVF16.HeadBytes(96); got != 84480 {
		t.Errorf("four layers of f16: %d bytes", got)
	}
	if got := KVQ8.HeadBytes(33); got != 68 { // two blocks
		t.Errorf("33 values in blocks: %d bytes", got)
	}
	if _, err := ParseKVType("q4"); err == nil || !strings.Contains(err.Error(), "f32, f16 or q8") {
		t.Errorf("q4: %v", err)
	}
}
