package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const product = `#version 450
#extension GL_NV_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
layout(local_size_x = 32) in;
layout(constant_id = 0) const uint M = 16;
layout(constant_id = 1) const uint N = 16;
layout(constant_id = 2) const uint K = 16;
layout(set = 0, binding = 0) buffer X { uvec4 x[]; };
layout(set = 0, binding = 1) buffer Y { float y[]; };
void main() {
    fcoopmatNV<16, gl_ScopeSubgroup, M, K> a;
    fcoopmatNV<16, gl_ScopeSubgroup, K, N> b;
    fcoopmatNV<32, gl_ScopeSubgroup, M, N> c = fcoopmatNV<32, gl_ScopeSubgroup, M, N>(0.0);
    coopMatLoadNV(a, x, 0, 2, false);
    coopMatLoadNV(b, x, 32, 2, true);
    c = coopMatMulAddNV(a, b, c);
    coopMatStoreNV(c, y, 0, N, false);
}`

// compiled is the kernel as glslc makes it.
func compiled(t *testing.T, source string) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "a.comp"), filepath.Join(dir, "a.spv")
	if err := os.WriteFile(in, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("glslc", "-O", "--target-env=vulkan1.1", "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// Each type gets the use that its matrices have in products, and layouts become numbers: rows 0, columns 1.
func TestMatrices(t *testing.T) {
	code, err := matrices(keepPushNames(compiled(t, product)))
	if err != nil {
		t.Fatal(err)
	}
	constants, uses, seen := map[uint32]uint32{}, map[uint32]uint32{}, map[uint32]int{}
	var loaded, layouts, strides []uint32
	eachInstruction(code, func(op uint32, at []byte) {
		seen[op]++
		switch op {
		case opConstant:
			constants[word(at, 2)] = word(at, 3)
		case opCapability:
			seen[1<<16+word(at, 1)]++
		case opTypeMatrixKHR:
			uses[word(at, 1)] = constants[word(at, 6)]
		case opMatrixLoadKHR:
			loaded = append(loaded, uses[word(at, 1)])
			layouts, strides = append(layouts, constants[word(at, 4)]), append(strides, constants[word(at, 5)])
		case opMatrixStoreKHR:
			layouts = append(layouts, constants[word(at, 3)])
		}
	})
	if seen[1<<16+capMatrixKHR] != 1 || seen[1<<16+capMatrixNV] != 0 || seen[opTypeMatrixNV]+seen[opMatrixLoadNV]+seen[opMatrixStoreNV]+seen[opMatrixMulNV] != 0 ||
		seen[opMatrixLoadKHR] != 2 || seen[opMatrixStoreKHR] != 1 || seen[opMatrixMulKHR] != 1 {
		t.Errorf("instructions %v", seen)
	}
	if len(uses) != 3 || !slices.Equal(loaded, []uint32{0, 1}) {
		t.Errorf("uses %v, of what is loaded %v", uses, loaded)
	}
	if len(layouts) != 3 || layouts[0] != 0 || layouts[1] != 1 || layouts[2] != 0 || strides[0] != 2 || strides[1] != 2 {
		t.Errorf("layouts %v, strides %v", layouts, strides)
	}
	if !strings.Contains(string(code), "SPV_KHR_cooperative_matrix\x00") || strings.Contains(string(code), "SPV_NV_") {
		t.Error("the extension is not named")
	}
}

// What cannot be told of a type is refused: one size for two uses, and a type that is in no product. Other kernels stay as they are.
func TestMatricesRefused(t *testing.T) {
	for from, want := range map[string]string{
		"c = coopMatMulAddNV(a, b, c);": "a type of matrices is in no product",
		"K, N> b":                       "of a type of another use",
	} {
		to := ""
		if strings.HasPrefix(from, "K") {
			to = "M, K> b"
		}
		source := strings.ReplaceAll(product, from, to)
		if to != "" {
			source = strings.ReplaceAll(source, "const uint N = 16", "const uint N = 16; const uint unused = 0")
			source = strings.ReplaceAll(source, "<32, gl_ScopeSubgroup, M, N>", "<32, gl_ScopeSubgroup, M, K>")
		}
		if _, err := matrices(compiled(t, source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", from, err)
		}
	}
	code := compiled(t, "#version 450\nlayout(local_size_x = 1) in;\nvoid main() {}")
	if out, err := matrices(code); err != nil || string(out) != string(code) {
		t.Errorf("a kernel without matrices: %v", err)
	}
}
