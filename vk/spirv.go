package vk

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// SPIR-V numbers used here, from the unified specification.
const (
	spirvMagic = 0x07230203

	opMemberName            = 6
	opEntryPoint            = 15
	opExecutionMode         = 16
	opCapability            = 17
	opTypeInt               = 21
	opTypeFloat             = 22
	opTypeImage             = 25
	opTypeStruct            = 30
	opTypePointer           = 32
	opConstant              = 43
	opConstantComposite     = 44
	opSpecConstant          = 50
	opSpecConstantComposite = 51
	opFunction              = 54
	opVariable              = 59
	opDecorate              = 71
	opMemberDecorate        = 72

	modelGLCompute = 5
	dimBuffer      = 5
	modeLocalSize  = 17

	decorationSpecID        = 1
	decorationBufferBlock   = 3
	decorationBuiltIn       = 11
	decorationNonWritable   = 24
	decorationNonReadable   = 25
	decorationBinding       = 33
	decorationDescriptorSet = 34
	decorationOffset        = 35

	builtInNumWorkgroups = 24
	builtInWorkgroupSize = 25

	classUniformConstant = 0
	classUniform         = 2
	classPushConstant    = 9
	classStorageBuffer   = 12
)

type variable struct{ id, typ, class uint32 }

// number is the type of a number.
type number struct {
	bits  uint32
	float bool
}

// image is an image type: what a fetch gives, its dimension, and 1 when it is sampled, 2 when it is stored to.
type image struct{ of, dim, sampled uint32 }

type member struct{ typ, index uint32 }

type memberDecoration struct {
	offset                   uint32
	nonWritable, nonReadable bool
}

type decoration struct {
	set, binding                         uint32
	hasBinding, nonWritable, nonReadable bool
}

// module holds the facts of a SPIR-V module that its interface depends on. Everything is in maps by id, so that a bogus
// id bound costs nothing.
type module struct {
	entries           int
	entryName         string
	localSize         [3]uint32
	workgroupConstant uint32
	readsGrid         bool
	capabilities      []uint32
	variables         []variable
	types             map[uint32]number
	pointers          map[uint32]uint32 // pointer type to what it points to
	structs           map[uint32][]uint32
	images            map[uint32]image
	constants         map[uint32]uint32
	composites        map[uint32][]uint32
	specIDs           map[uint32]uint32 // result id to constant id
	bufferBlock       map[uint32]bool
	decorations       map[uint32]*decoration
	members           map[member]memberDecoration
	names             map[member]string
}

// words checks the header and returns the module as 32-bit words.
func words(spirv []byte) ([]uint32, error) {
	if len(spirv)%4 != 0 || len(spirv) < 20 {
		return nil, fmt.Errorf("%d bytes is not a module", len(spirv))
	}
	w := make([]uint32, len(spirv)/4)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(spirv[4*i:])
	}
	if w[0] != spirvMagic {
		return nil, errors.New("the magic number is missing")
	}
	return w, nil
}

// parse walks the declarations of a module, up to its first function.
func parse(spirv []byte) (*module, error) {
	w, err := words(spirv)
	if err != nil {
		return nil, err
	}
	m := &module{
		types: make(map[uint32]number), pointers: make(map[uint32]uint32), structs: make(map[uint32][]uint32), images: make(map[uint32]image),
		constants: make(map[uint32]uint32), composites: make(map[uint32][]uint32), specIDs: make(map[uint32]uint32),
		bufferBlock: make(map[uint32]bool), decorations: make(map[uint32]*decoration), members: make(map[member]memberDecoration), names: make(map[member]string),
	}
	for at := 5; at < len(w); {
		op, n := w[at]&0xffff, int(w[at]>>16)
		if n == 0 || n > len(w)-at {
			return nil, fmt.Errorf("instruction at word %d has a length of %d words", at, n)
		}
		if op == opFunction {
			return m, nil
		}
		if need := minOperands[op]; n-1 < need {
			return nil, fmt.Errorf("instruction %d at word %d has %d operands, want %d", op, at, n-1, need)
		}
		m.declare(op, w[at+1:at+n])
		at += n
	}
	return nil, errors.New("there is no function")
}

var minOperands = map[uint32]int{
	opEntryPoint: 3, opExecutionMode: 2, opCapability: 1, opTypeInt: 2, opTypeFloat: 2,
	opMemberName: 2, opTypeImage: 7, opTypeStruct: 1, opTypePointer: 3, opConstant: 3, opSpecConstant: 3,
	opConstantComposite: 2, opSpecConstantComposite: 2, opVariable: 3, opDecorate: 2, opMemberDecorate: 3,
}

// declare records one instruction; o holds its operands, at least as many as minOperands asks for.
func (m *module) declare(op uint32, o []uint32) {
	switch op {
	case opCapability:
		m.capabilities = append(m.capabilities, o[0])
	case opEntryPoint:
		if o[0] == modelGLCompute {
			m.entries++
			m.entryName = text(o[2:])
		}
	case opExecutionMode:
		if o[1] == modeLocalSize && len(o) >= 5 {
			copy(m.localSize[:], o[2:5])
		}
	case opMemberName:
		m.names[member{o[0], o[1]}] = text(o[2:])
	case opTypeInt, opTypeFloat:
		m.types[o[0]] = number{o[1], op == opTypeFloat}
	case opTypeImage:
		m.images[o[0]] = image{o[1], o[2], o[6]}
	case opTypeStruct:
		m.structs[o[0]] = o[1:]
	case opTypePointer:
		m.pointers[o[0]] = o[2]
	case opConstant, opSpecConstant:
		m.constants[o[1]] = o[2]
	case opConstantComposite, opSpecConstantComposite:
		m.composites[o[1]] = o[2:]
	case opVariable:
		m.variables = append(m.variables, variable{o[1], o[0], o[2]})
	case opDecorate:
		m.decorate(o)
	case opMemberDecorate:
		key := member{o[0], o[1]}
		d := m.members[key]
		switch o[2] {
		case decorationNonWritable:
			d.nonWritable = true
		case decorationNonReadable:
			d.nonReadable = true
		case decorationOffset:
			d.offset = first(o[3:])
		}
		m.members[key] = d
	}
}

func (m *module) decorate(o []uint32) {
	id := o[0]
	switch o[1] {
	case decorationSpecID:
		m.specIDs[id] = first(o[2:])
		return
	case decorationBufferBlock:
		m.bufferBlock[id] = true
		return
	case decorationBuiltIn:
		switch first(o[2:]) {
		case builtInWorkgroupSize:
			m.workgroupConstant = id
		case builtInNumWorkgroups:
			m.readsGrid = true
		}
		return
	}
	d := m.decorations[id]
	if d == nil {
		d = new(decoration)
		m.decorations[id] = d
	}
	switch o[1] {
	case decorationBinding:
		d.binding, d.hasBinding = first(o[2:]), true
	case decorationDescriptorSet:
		d.set = first(o[2:])
	case decorationNonWritable:
		d.nonWritable = true
	case decorationNonReadable:
		d.nonReadable = true
	}
}

// first is a literal operand, 0 when the instruction ends before it.
func first(o []uint32) uint32 {
	if len(o) == 0 {
		return 0
	}
	return o[0]
}

// text decodes a literal string: bytes in words, low byte first, ended by a zero.
func text(o []uint32) string {
	var b []byte
	for _, w := range o {
		for k := 0; k < 32; k += 8 {
			c := byte(w >> k)
			if c == 0 {
				return string(b)
			}
			b = append(b, c)
		}
	}
	return string(b)
}
