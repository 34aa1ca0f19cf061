package vk

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func compiled(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".spv"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReflect(t *testing.T) {
	none := [3]int64{-1, -1, -1}
	for name, want := range map[string]signature{
		"add": {Entry: "main", Bindings: []bufferUse{{0, true, false, NoTexel}, {1, true, false, NoTexel}, {2, false, true, NoTexel}}, Push: []pushField{{"", 0, false}, {"", 4, true}}, PushBytes: 8,
			LocalSize: [3]uint32{1, 1, 1}, LocalSizeSpec: [3]int64{0, -1, -1}, Capabilities: []uint32{1}},
		"halve": {Entry: "main", Bindings: []bufferUse{{0, true, true, NoTexel}}, Push: []pushField{{"", 0, false}}, PushBytes: 4, LocalSize: [3]uint32{64, 1, 1}, LocalSizeSpec: none, Capabilities: []uint32{1}},
		"settled": {Entry: "main", Bindings: []bufferUse{{0, true, false, NoTexel}, {1, false, true, NoTexel}, {2, false, true, NoTexel}, {3, true, true, NoTexel}}, Push: []pushField{{"", 0, false}, {"", 4, true}}, PushBytes: 8,
			LocalSize: [3]uint32{1, 1, 1}, LocalSizeSpec: none, Capabilities: []uint32{1}},
		"subgroup": {Entry: "main", Bindings: []bufferUse{{0, false, true, NoTexel}}, LocalSize: [3]uint32{128, 1, 1}, LocalSizeSpec: none, Capabilities: []uint32{1, 61, 63}},
		// A block with one readonly member of three is read and written; one that is only asked for its length is neither.
		"push": {Entry: "main", Bindings: []bufferUse{{1, true, true, NoTexel}, {3, false, false, NoTexel}}, Push: []pushField{{"aty", 0, false}, {"v", 8, true}, {"list", 12, false}}, PushBytes: 16,
			LocalSize: [3]uint32{1, 2, 1}, LocalSizeSpec: [3]int64{1, -1, 3}, Capabilities: []uint32{1}},
		"texels": {Entry: "main", Bindings: []bufferUse{{0, true, false, Uint4}, {1, true, false, Float4}, {2, false, true, NoTexel},
			{16, true, false, Uint}, {17, true, false, Float}}, Push: []pushField{{"", 0, false}}, PushBytes: 4, LocalSize: [3]uint32{64, 1, 1}, LocalSizeSpec: none, Capabilities: []uint32{1, 46}},
	} {
		got, err := reflectSPIRV(compiled(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	in, _ := reflectSPIRV(compiled(t, "push"))
	if in.spans() != 4 {
		t.Errorf("spans with binding 3 the highest: %d, want 4", in.spans())
	}
	if in, _ := reflectSPIRV(compiled(t, "texels")); in.spans() != 3 || in.bindings() != (bindings{storage: 1 << 2, texels: 3<<16 | 3}) {
		t.Errorf("of five bindings, two of them second views: %d spans, want 3; indices %b, want 2 for a storage buffer", in.spans(), in.bindings())
	}
	if got := in.workgroup([]uint32{9, 8, 7, 6}); got != [3]uint32{8, 2, 6} {
		t.Errorf("workgroup under constants 1 and 3: %v, want [8 2 6]", got)
	}
}

// assemble makes a module of instructions given as (opcode, operands...).
func assemble(instructions ...[]uint32) []byte {
	w := []uint32{spirvMagic, 0x10300, 0, 100, 0}
	for _, in := range instructions {
		w = append(w, uint32(len(in))<<16|in[0])
		w = append(w, in[1:]...)
	}
	var b []byte
	for _, x := range w {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	return b
}

func TestReflectRefuses(t *testing.T) {
	entry := []uint32{opEntryPoint, modelGLCompute, 1, 'm'}
	size := []uint32{opExecutionMode, 1, modeLocalSize, 8, 1, 1}
	end := []uint32{opFunction, 1, 2, 0, 3}
	block := func(class uint32, decorations ...[]uint32) []byte {
		list := append([][]uint32{entry, size}, decorations...)
		return assemble(append(list, []uint32{opTypeFloat, 5, 32}, []uint32{opTypeStruct, 6, 5}, []uint32{opTypePointer, 7, class, 6},
			[]uint32{opVariable, 7, 8, class}, end)...)
	}
	fetched := func(dim, sampled, bits, at uint32) []byte {
		return assemble(entry, size, []uint32{opDecorate, 8, decorationBinding, at}, []uint32{opTypeInt, 5, bits, 0},
			[]uint32{opTypeImage, 6, 5, dim, 0, 0, 0, sampled, 0}, []uint32{opTypePointer, 7, classUniformConstant, 6},
			[]uint32{opVariable, 7, 8, classUniformConstant}, end)
	}
	if _, err := reflectSPIRV(fetched(dimBuffer, 1, 32, 31)); err != nil {
		t.Fatalf("a good texel buffer: %v", err)
	}
	twoKinds := assemble(entry, size, []uint32{opDecorate, 8, decorationBinding, 3}, []uint32{opDecorate, 9, decorationBinding, 3},
		[]uint32{opTypeInt, 5, 32, 0}, []uint32{opTypeImage, 6, 5, dimBuffer, 0, 0, 0, 1, 0}, []uint32{opTypePointer, 7, classUniformConstant, 6},
		[]uint32{opTypeStruct, 10, 5}, []uint32{opTypePointer, 11, classStorageBuffer, 10},
		[]uint32{opVariable, 7, 8, classUniformConstant}, []uint32{opVariable, 11, 9, classStorageBuffer}, end)
	half := assemble(entry, size, []uint32{opTypeFloat, 5, 16}, []uint32{opTypeStruct, 6, 5}, []uint32{opTypePointer, 7, classPushConstant, 6},
		[]uint32{opVariable, 7, 8, classPushConstant}, end)
	binding := func(n uint32) []uint32 { return []uint32{opDecorate, 8, decorationBinding, n} }
	if _, err := reflectSPIRV(block(classStorageBuffer, binding(2))); err != nil {
		t.Fatalf("a good module: %v", err)
	}
	for _, c := range []struct {
		name  string
		spirv []byte
		says  string
	}{
		{"nothing", nil, "not a module"},
		{"odd length", append(assemble(entry, size, end), 0), "not a module"},
		{"magic", append([]byte{1, 2, 3, 4}, assemble(entry, size, end)[4:]...), "magic"},
		{"an instruction of no words", append(assemble(entry, size), 0, 0, 0, 0), "length of 0 words"},
		{"cut off", assemble(entry, size, end)[:40], "words"},
		{"no function", assemble(entry, size), "no function"},
		{"no entry point", assemble(size, end), "0 compute entry points"},
		{"two entry points", assemble(entry, entry, size, end), "2 compute entry points"},
		{"no workgroup size", assemble(entry, end), "workgroup dimension 0"},
		{"no binding", block(classStorageBuffer), "no binding"},
		{"binding too high", block(classStorageBuffer, binding(16)), "too high"},
		{"texel buffer too high", fetched(dimBuffer, 1, 32, 32), "too high"},
		{"image", fetched(1, 1, 32, 0), "image or sampler"},
		{"texel buffer to store to", fetched(dimBuffer, 2, 32, 0), "image or sampler"},
		{"texel buffer of 16 bits", fetched(dimBuffer, 1, 16, 0), "32-bit"},
		{"one binding of two kinds", twoKinds, "two kinds"},
		{"set 1", block(classStorageBuffer, binding(0), []uint32{opDecorate, 8, decorationDescriptorSet, 1}), "set 1"},
		{"uniform block", block(classUniform, binding(0)), "uniform block"},
		{"sampler", block(classUniformConstant, binding(0)), "image or sampler"},
		{"a push constant of 16 bits", half, "not a 32-bit number"},
	} {
		_, err := reflectSPIRV(c.spirv)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error saying %q", c.name, err, c.says)
		}
	}
}

// FuzzReflect feeds damaged modules: any input gives an interface that keeps its promises, or an error.
func FuzzReflect(f *testing.F) {
	for _, name := range []string{"add", "halve", "settled", "subgroup", "push", "texels"} {
		f.Add(compiled(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := reflectSPIRV(b)
		if err != nil {
			return
		}
		if in.spans() > secondView || in.PushBytes > 1<<16 || in.PushBytes%4 != 0 {
			t.Errorf("interface out of bounds: %+v", in)
		}
		for i, n := range in.LocalSize {
			if n == 0 {
				t.Errorf("workgroup dimension %d is 0", i)
			}
		}
	})
}
