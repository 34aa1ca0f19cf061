package vk

import (
	"encoding/binary"
	"slices"
	"time"
	"unsafe"
)

// A handle is a Vulkan object that is not a command buffer.
type handle = uint64

// A command is a recorded command buffer's handle.
type command = uintptr

// driver is what the package needs of one opened device. The native one calls Vulkan; a build without cgo has none, and
// tests without a device use one that only counts. Errors are of type *Error. Creating calls are safe to make at the
// same time; submit, wait and reset are made by the holder of the queue.
type driver interface {
	createBuffer(size uint64) (buffer handle, need requirements, err error)
	allocate(size uint64, memoryType int) (handle, error)
	bind(buffer, memory handle) error
	mapMemory(memory handle, size uint64) (unsafe.Pointer, error)

	createSetLayout(bindings) (handle, error)
	createPipelineLayout(set handle, pushBytes uint32) (handle, error)
	createPipelineCache(data []byte) (handle, error)
	pipelineCacheData(handle) ([]byte, error)
	mergePipelineCache(cache handle, data []byte) error
	createPipeline(pipelineInfo) (handle, error)

	createView(buffer handle, offset, size uint64, t Texel) (handle, error)
	createSets([]setInfo) (pool handle, sets []handle, err error)
	createCommands(n int) (pool handle, commands []command, err error)
	createQueries(n int) (handle, error)
	timestamps(pool handle, n int) ([]uint64, error)
	createFence() (handle, error)

	record(commands []command, s stream, oneTime bool) error
	submit(commands []command, fence handle) error
	wait(fence handle, limit time.Duration) (done bool, err error)
	reset(fence handle) error
	waitIdle() error
	destroy(object, handle) // of memory: unmaps as well
	close()
}

// object is a kind of Vulkan object; pools stand for what was allocated from them.
type object int

const (
	objBuffer object = iota
	objMemory
	objSetLayout
	objPipelineLayout
	objPipelineCache
	objPipeline
	objView
	objSets
	objCommands
	objQueries
	objFence
	objects
)

func (o object) String() string {
	return [...]string{"buffer", "memory", "set layout", "pipeline layout", "pipeline cache", "pipeline", "buffer view", "descriptor pool",
		"command pool", "query pool", "fence"}[o]
}

type requirements struct {
	size uint64
	bits uint32 // memory types that will do
}

// pipelineInfo is everything a compute pipeline is made from.
type pipelineInfo struct {
	name          string
	spirv         []uint32
	entry         string
	spec          []uint32
	subgroupSize  uint32 // 0 for the driver's choice
	fullSubgroups bool
	layout, cache handle
}

// setInfo is a descriptor set.
type setInfo struct {
	layout      handle
	descriptors []descriptor
}

// descriptor is a binding's buffer range or, for a texel buffer, its view. It is laid out as shim.h has it.
type descriptor struct {
	binding, texel uint32
	buffer         handle // or view
	offset, size   uint64
}

// streamOp is an op of a recorded stream, as shim.h numbers them.
type streamOp uint64

const (
	streamSegment streamOp = iota
	streamPipeline
	streamSet
	streamPush
	streamDispatch
	streamIndirect
	streamBarrier
	streamCopy
	streamFill
	streamReset
	streamTimestamp
	streamDispatchBase
)

// stream is a program packed as words for one call into C. It holds no Go pointers.
type stream []uint64

func (s *stream) add(op streamOp, operands ...uint64) {
	*s = append(append(*s, uint64(op)), operands...)
}

func (s *stream) barrier(b barrier) {
	s.add(streamBarrier, uint64(b.fromStage), uint64(b.fromAccess), uint64(b.toStage), uint64(b.toAccess))
}

// push adds push constants, whose length is a multiple of 4, eight bytes a word.
func (s *stream) push(layout handle, p []byte) {
	s.add(streamPush, layout, uint64(len(p)))
	for eight := range slices.Chunk(p, 8) {
		var w [8]byte
		copy(w[:], eight)
		*s = append(*s, binary.LittleEndian.Uint64(w[:]))
	}
}
