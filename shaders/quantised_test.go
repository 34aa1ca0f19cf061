package shaders

import (
	"testing"

	"muninn/vk"

	"muninn/shaders/format"
)

// Rows in 8 bits are chosen where a GPU says that it is fast at them, and on the CPU devices where that was measured.
func TestInt8Pays(t *testing.T) {
	for _, c := range []struct {
		name   string
		caps   vk.Caps
		q8, q4 bool
	}{
		{"GPU that accelerates them", vk.Caps{Type: "discrete", SubgroupSize: 32, IntegerDotAccelerated: true}, true, true},
		{"GPU that emulates them", vk.Caps{Type: "integrated", SubgroupSize: 64}, false, false},
		{"lavapipe", vk.Caps{Type: "cpu", SubgroupSize: 8}, true, true},
		{"SwiftShader", vk.Caps{Type: "cpu", SubgroupSize: 4}, true, false},
	} {
		if q8, q4 := int8Pays(c.caps, format.Q8_0), int8Pays(c.caps, format.Q4_0); q8 != c.q8 || q4 != c.q4 {
			t.Errorf("%s: q8_0 %v, q4_0 %v", c.name, q8, q4)
		}
	}
	for i, name := range ActivationNames() {
		if a, err := ParseActivations(name); err != nil || a != Activations(i) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	if _, err := ParseActivations("int8"); err == nil {
		t.Error("int8 is taken for a name")
	}
}
