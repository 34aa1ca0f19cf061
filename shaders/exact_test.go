package shaders_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
)

// SPIR-V's numbers, by the specification.
const (
	opExtInst, opConstant, opVariable, opDecorate            = 12, 43, 59, 71
	opFAdd, opFSub, opFMul, opVectorTimesScalar, opDot       = 129, 131, 133, 142, 148
	opControlBarrier, opAtomicIAdd, opIAdd                   = 224, 234, 128
	glslFma, glslPackHalf2x16                                = 50, 58
	decorationAliased, decorationNoContraction               = 20, 42
	decorationBinding                                        = 33
	scopeDevice, semanticsAcquireRelease, semanticsOfBuffers = 1, 0x8, 0x40
)

// instruction is one of a module: its words behind the first, without their count.
type instruction struct {
	op uint32
	w  []uint32
}

// each calls f with the instructions of every compiled kernel whose name begins with one of the prefixes; none: of all.
func each(t *testing.T, f func(name string, list []instruction), prefixes ...string) {
	t.Helper()
	seen := 0
	for _, name := range shaders.Names() {
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		code, err := shaders.SPIRV(name)
		if err != nil {
			t.Fatal(err)
		}
		words := make([]uint32, len(code)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(code[4*i:])
		}
		var list []instruction
		for i := 5; i < len(words); i += int(words[i] >> 16) {
			list = append(list, instruction{words[i] & 0xffff, words[i+1 : i+int(words[i]>>16)]})
		}
		f(name, list)
		seen++
	}
	if seen == 0 {
		t.Error("no kernel looked at")
	}
}

// decorated is the set of ids that have a decoration, with its operand.
func decorated(list []instruction, decoration uint32) map[uint32]uint32 {
	ids := map[uint32]uint32{}
	for _, i := range list {
		if i.op == opDecorate && i.w[1] == decoration {
			ids[i.w[0]] = append(i.w, 0)[2]
		}
	}
	return ids
}

// Variables that share a binding say so.
func TestAliasedBindings(t *testing.T) {
	each(t, func(name string, list []instruction) {
		aliased, binding := decorated(list, decorationAliased), decorated(list, decorationBinding)
		at := map[uint32][]uint32{}
		for id, b := range binding {
			at[b] = append(at[b], id)
		}
		for b, ids := range at {
			for _, id := range ids {
				if _, ok := aliased[id]; len(ids) > 1 && !ok {
					t.Errorf("%s: %d variables at binding %d, one of them without Aliased", name, len(ids), b)
				}
			}
		}
	})
}

// Nothing whose rounding or order is the driver's choice is asked of one.
func TestNoFreeOrder(t *testing.T) {
	each(t, func(name string, list []instruction) {
		for _, i := range list {
			if i.op == opDot {
				t.Errorf("%s has a dot, whose order of additions is the driver's", name)
			}
			if i.op == opExtInst && i.w[3] == glslPackHalf2x16 {
				t.Errorf("%s packs halves, which some drivers truncate", name)
			}
		}
	})
}

// Kernels whose results are promised to be equal to the bit in pipelines that differ, by the number of rows or by what else
// they do, never add a product that a driver might contract in one and not in the other.
func TestNoFreeContraction(t *testing.T) {
	each(t, func(name string, list []instruction) {
		product, exact := map[uint32]bool{}, decorated(list, decorationNoContraction)
		for _, i := range list {
			var addends []uint32
			switch i.op {
			case opFMul, opVectorTimesScalar:
				_, marked := exact[i.w[1]]
				product[i.w[1]] = !marked
			case opFAdd, opFSub:
				addends = i.w[2:]
			case opExtInst:
				if i.w[3] == glslFma {
					addends = i.w[6:]
				}
			}
			for _, id := range addends {
				if product[id] {
					t.Errorf("%s adds a product that is neither fma's nor marked NoContraction", name)
					return
				}
			}
		}
	}, "matmul_", "adapter_", "swiglu_", "rmsnorm_", "addnorm_", "attention_f", "attention_q", "attention_s")
}

// A workgroup that goes on with what others wrote has acquired it, and they have released it, by more than the order in which
// their invocations run: a barrier at device scope before the counter is taken and after.
func TestArrival(t *testing.T) {
	kernels := 0
	each(t, func(name string, list []instruction) {
		value := map[uint32]uint32{}
		full := func(scope, semantics uint32) bool {
			const all = semanticsAcquireRelease | semanticsOfBuffers
			return value[scope] == scopeDevice && value[semantics]&all == all
		}
		taken, before, after := false, false, false
		compared := map[uint32]bool{} // numbers that come of an addition: what nobody adds to only counts
		for _, i := range list {
			if i.op == opIAdd {
				compared[i.w[2]], compared[i.w[3]] = true, true
			}
		}
		for _, i := range list {
			switch {
			case i.op == opConstant:
				value[i.w[1]] = i.w[2]
			case i.op == opControlBarrier && full(i.w[1], i.w[2]):
				before, after = before || !taken, after || taken
			case i.op == opAtomicIAdd && compared[i.w[1]]:
				taken = true
				kernels++
				if !full(i.w[3], i.w[4]) {
					t.Errorf("%s: the counter is taken without acquire and release", name)
				}
			}
		}
		if taken && (!before || !after) {
			t.Errorf("%s: barrier at device scope before the counter %v, after it %v", name, before, after)
		}
	})
	if kernels == 0 {
		t.Error("no kernel counts arrivals")
	}
}
