package vk

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func reads(block, off, n uint64) access  { return access{block, off, off + n, byShader, true, false} }
func writes(block, off, n uint64) access { return access{block, off, off + n, byShader, false, true} }
func by(a access, k accessKind) access {
	a.kind = k
	return a
}

func TestInferredBarriers(t *testing.T) {
	both := access{1, 0, 64, byShader, true, true}
	for _, c := range []struct {
		name string
		ops  [][]access
		want []bool // a barrier before each op
	}{
		{"read after write", [][]access{{writes(1, 0, 64)}, {reads(1, 0, 64)}}, []bool{false, true}},
		{"write after read", [][]access{{reads(1, 0, 64)}, {writes(1, 0, 64)}}, []bool{false, true}},
		{"write after write", [][]access{{writes(1, 0, 64)}, {writes(1, 0, 64)}}, []bool{false, true}},
		{"read after read", [][]access{{reads(1, 0, 64)}, {reads(1, 0, 64)}}, []bool{false, false}},
		{"in place, twice", [][]access{{both}, {both}}, []bool{false, true}},
		{"one op reads and writes", [][]access{{reads(1, 0, 64), writes(1, 0, 64)}}, []bool{false}},
		{"ranges that touch", [][]access{{writes(1, 0, 64)}, {reads(1, 64, 64)}}, []bool{false, false}},
		{"ranges that share a byte", [][]access{{writes(1, 0, 65)}, {reads(1, 64, 64)}}, []bool{false, true}},
		{"a range inside another", [][]access{{writes(1, 0, 1024)}, {reads(1, 512, 4)}}, []bool{false, true}},
		{"a range around another", [][]access{{writes(1, 512, 4)}, {reads(1, 0, 1024)}}, []bool{false, true}},
		{"other blocks", [][]access{{writes(1, 0, 64)}, {reads(2, 0, 64)}}, []bool{false, false}},
		{"two ops back", [][]access{{writes(1, 0, 64)}, {writes(2, 0, 64)}, {reads(1, 0, 64)}}, []bool{false, false, true}},
		{"a barrier covers everything before it", [][]access{{writes(1, 0, 64)}, {writes(2, 0, 64)}, {reads(1, 0, 64)}, {reads(2, 0, 64)}}, []bool{false, false, true, false}},
		{"what came after a barrier is pending again", [][]access{{writes(1, 0, 64)}, {reads(1, 0, 64), writes(2, 0, 64)}, {reads(2, 0, 64)}}, []bool{false, true, true}},
		{"counts of an indirect dispatch", [][]access{{writes(1, 0, 12)}, {by(reads(1, 0, 12), byIndirect)}}, []bool{false, true}},
		{"zeroing counts that were read", [][]access{{by(reads(1, 0, 12), byIndirect)}, {writes(1, 0, 12)}}, []bool{false, true}},
		{"dispatch, then copy of its result", [][]access{{writes(1, 0, 64)}, {by(reads(1, 0, 64), byTransfer), by(writes(2, 0, 64), byTransfer)}}, []bool{false, true}},
		{"copy, then dispatch on its result", [][]access{{by(writes(1, 0, 64), byTransfer)}, {reads(1, 0, 64)}}, []bool{false, true}},
		{"fill after fill", [][]access{{by(writes(1, 0, 64), byTransfer)}, {by(writes(1, 0, 64), byTransfer)}}, []bool{false, true}},
		{"overwriting what a copy reads", [][]access{{by(reads(1, 0, 64), byTransfer)}, {writes(1, 0, 64)}}, []bool{false, true}},
	} {
		before := make([]bool, len(c.ops))
		for i, b := range infer(c.ops) {
			before[i] = b != nil
			if before[i] != c.want[i] {
				t.Errorf("%s: barrier before op %d is %v, want %v", c.name, i, before[i], c.want[i])
			}
		}
		if i, k, found := uncovered(c.ops, before); found {
			t.Errorf("%s: ops %d and %d are uncovered", c.name, i, k)
		}
		anyBarrier := false
		for _, b := range c.want {
			anyBarrier = anyBarrier || b
		}
		if _, _, found := uncovered(c.ops, make([]bool, len(c.ops))); found != anyBarrier {
			t.Errorf("%s: without barriers a conflict is found: %v, want %v", c.name, found, anyBarrier)
		}
	}
}

func TestBarrierMasks(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  [][]access
		want barrier // before op 1
	}{
		{"write to read", [][]access{{writes(1, 0, 64)}, {reads(1, 0, 64)}}, barrier{stageCompute, accessShaderWrite, stageCompute, accessShaderRead}},
		{"nothing was written: only wait", [][]access{{reads(1, 0, 64)}, {writes(1, 0, 64)}}, barrier{stageCompute, 0, stageCompute, 0}},
		{"write to indirect counts", [][]access{{writes(1, 0, 12)}, {by(reads(1, 0, 12), byIndirect)}}, barrier{stageCompute, accessShaderWrite, stageIndirect, accessIndirectRead}},
		{"indirect read to shader write", [][]access{{by(reads(1, 0, 12), byIndirect)}, {writes(1, 0, 12)}}, barrier{stageIndirect, 0, stageCompute, 0}},
		{"counts that stay as they are", [][]access{{writes(2, 0, 64), by(reads(1, 0, 12), byIndirect)}, {reads(2, 0, 64), by(reads(1, 0, 12), byIndirect)}},
			barrier{stageCompute | stageIndirect, accessShaderWrite, stageCompute, accessShaderRead}},
		{"counts of a later op", [][]access{{writes(1, 0, 12), writes(2, 0, 64)}, {reads(2, 0, 64)}, {by(reads(1, 0, 12), byIndirect)}},
			barrier{stageCompute, accessShaderWrite, stageCompute | stageIndirect, accessShaderRead | accessIndirectRead}},
		{"transfer to shader", [][]access{{by(writes(1, 0, 64), byTransfer)}, {reads(1, 0, 64)}}, barrier{stageTransfer, accessTransferWrite, stageCompute, accessShaderRead}},
		// The barrier stands for later ops too: what op 2 does is in its destination.
		{"later ops", [][]access{{writes(1, 0, 64)}, {reads(1, 0, 64)}, {by(reads(1, 0, 64), byTransfer)}},
			barrier{stageCompute, accessShaderWrite, stageCompute | stageTransfer, accessShaderRead | accessTransferRead}},
		// Writes pending from an op that does not conflict are made available too, as the barrier clears them.
		{"earlier writes elsewhere", [][]access{{writes(1, 0, 64), by(writes(2, 0, 64), byTransfer)}, {reads(1, 0, 64)}},
			barrier{stageCompute | stageTransfer, accessShaderWrite | accessTransferWrite, stageCompute, accessShaderRead}},
	} {
		got := infer(c.ops)[1]
		if got == nil || *got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestInferIsSafeAndMinimal checks random programs against the plain rule: no conflict is left open, and dropping any one
// barrier opens one.
func TestInferIsSafeAndMinimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		ops := make([][]access, 2+rng.IntN(12))
		for i := range ops {
			for range 1 + rng.IntN(4) {
				off := uint64(rng.IntN(8)) * 32
				a := access{uint64(rng.IntN(3)), off, off + 32*uint64(1+rng.IntN(3)), accessKind(rng.IntN(3)), true, rng.IntN(3) == 0}
				if a.kind == byIndirect {
					a.write = false
				}
				ops[i] = append(ops[i], a)
			}
		}
		before, barriers := make([]bool, len(ops)), infer(ops)
		for i, b := range barriers {
			before[i] = b != nil
		}
		if i, k, found := unseen(ops, barriers); found {
			t.Fatalf("counts that op %d writes are not made visible to op %d in %+v", i, k, ops)
		}
		if i, k, found := uncovered(ops, before); found {
			t.Fatalf("ops %d and %d are uncovered in %+v", i, k, ops)
		}
		for i := range before {
			if !before[i] {
				continue
			}
			before[i] = false
			if _, _, found := uncovered(ops, before); !found {
				t.Fatalf("the barrier before op %d is not needed in %+v", i, ops)
			}
			before[i] = true
		}
	}
}

// unseen finds counts that an op writes and a later one reads, where the first barrier between them, which makes the write available, is
// not for indirect reads.
func unseen(ops [][]access, barriers []*barrier) (i, k int, found bool) {
	for i, op := range ops {
		next := slices.IndexFunc(barriers[i+1:], func(b *barrier) bool { return b != nil })
		for k := i + 1; k < len(ops); k++ {
			for _, r := range ops[k] {
				for _, w := range op {
					if r.kind == byIndirect && w.write && w.overlaps(r) && (next < 0 || barriers[i+1+next].toAccess&accessIndirectRead == 0) {
						return i, k, true
					}
				}
			}
		}
	}
	return 0, 0, false
}
