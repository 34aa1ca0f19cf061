package vk

import "slices"

// An accessKind is the part of the pipeline that touches memory.
type accessKind uint8

const (
	byShader accessKind = iota
	byTransfer
	byIndirect // the dispatch counts of an indirect dispatch; only read
)

// Pipeline stage and access bits, as the Vulkan specification numbers them.
const (
	stageIndirect = 0x2
	stageCompute  = 0x800
	stageTransfer = 0x1000
	stageHost     = 0x4000

	accessIndirectRead  = 0x1
	accessShaderRead    = 0x20
	accessShaderWrite   = 0x40
	accessTransferRead  = 0x800
	accessTransferWrite = 0x1000
	accessHostRead      = 0x2000
)

// access is one op's use of a byte range of a block.
type access struct {
	block       uint64 // which memory; any value that is equal for equal blocks
	offset, end uint64
	kind        accessKind
	read, write bool
}

func (a access) overlaps(b access) bool {
	return a.block == b.block && a.offset < b.end && b.offset < a.end
}

// accessBits are the stage and the accesses of each kind.
var accessBits = [...]struct{ stage, read, write uint32 }{
	byShader:   {stageCompute, accessShaderRead, accessShaderWrite},
	byTransfer: {stageTransfer, accessTransferRead, accessTransferWrite},
	byIndirect: {stageIndirect, accessIndirectRead, 0},
}

// barrier is a global memory barrier: source and destination stages and access masks.
type barrier struct {
	fromStage, fromAccess uint32
	toStage, toAccess     uint32
}

// after makes the barrier wait for an access.
func (b *barrier) after(a access) {
	bits := accessBits[a.kind]
	b.fromStage |= bits.stage
	if a.write {
		b.fromAccess |= bits.write
	}
}

// before makes an access wait for the barrier.
func (b *barrier) before(a access) {
	bits := accessBits[a.kind]
	b.toStage |= bits.stage
	if a.read {
		b.toAccess |= bits.read
	}
	if a.write {
		b.toAccess |= bits.write
	}
}

// conflict tells whether an op with these accesses must wait for others: it reads what is being written (RAW), or writes what is
// being read (WAR) or written (WAW). Accesses of one op never conflict with each other: a kernel orders those itself.
func conflict(op, pending []access) bool {
	for _, a := range op {
		for _, p := range pending {
			if (a.write || p.write) && a.overlaps(p) {
				return true
			}
		}
	}
	return false
}

// infer returns, for every op of a program, the barrier that goes before it, or nil. Barriers are global and cover
// everything pending, so that the greedy choice is also the smallest number. Source masks hold what is pending,
// destination masks what the ops from there on do, but for the counts of indirect dispatches: a barrier is for these where they are
// pending, since GPUs fetch them past caches that it then flushes.
func infer(ops [][]access) []*barrier {
	out := make([]*barrier, len(ops))
	to := make([]barrier, len(ops)+1)
	for i := len(ops) - 1; i >= 0; i-- {
		to[i] = to[i+1]
		for _, a := range ops[i] {
			if a.kind != byIndirect {
				to[i].before(a)
			}
		}
	}
	var pending []access // since the last barrier
	var from barrier
	for i, op := range ops {
		if conflict(op, pending) {
			b := barrier{from.fromStage, from.fromAccess, to[i].toStage, to[i].toAccess}
			for _, later := range ops[i:] {
				for _, a := range later {
					if a.kind == byIndirect && conflict([]access{a}, pending) {
						b.before(a)
					}
				}
			}
			if b.fromAccess == 0 {
				b.toAccess = 0 // nothing was written: waiting is enough
			}
			out[i] = &b
			from, pending = barrier{}, pending[:0]
		}
		pending = append(pending, op...)
		for _, a := range op {
			from.after(a)
		}
	}
	return out
}

// beginBarrier orders a program after whatever ran before it on the queue.
func beginBarrier(ops [][]access) barrier {
	b := barrier{fromStage: stageCompute | stageTransfer | stageIndirect, fromAccess: accessShaderWrite | accessTransferWrite}
	for _, a := range slices.Concat(ops...) {
		b.before(a)
	}
	if b.toStage == 0 {
		b.toStage = stageCompute
	}
	return b
}

// endBarrier makes what was written visible to the host once the fence is waited for.
var endBarrier = barrier{stageCompute | stageTransfer, accessShaderWrite | accessTransferWrite, stageHost, accessHostRead}
