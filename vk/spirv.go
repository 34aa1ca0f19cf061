package vk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// instruction is one that declares something, and its operands.
type instruction struct {
	op       uint32
	operands []uint32
}

type member struct{ typ, index uint32 }

// decorated is what a decoration of some kind belongs to: a member of a type, or with whole an id.
type decorated struct{ id, member, kind uint32 }

const whole = ^uint32(0)

// module holds the facts of a SPIR-V module that its interface depends on. Everything is in maps by id, so that a bogus
// id bound costs nothing.
type module struct {
	in                signature // what is known without looking back
	entries           int
	workgroupConstant uint32
	variables         []variable
	declared          map[uint32]instruction
	decorations       map[decorated]uint32 // to the first literal
	names             map[member]string
}

// words checks the header and returns the module as 32-bit words.
func words(spirv []byte) ([]uint32, error) {
	if len(spirv)%4 != 0 || len(spirv) < 20 {
		return nil, fmt.Errorf("%d bytes is not a module", len(spirv))
	}
	w := make([]uint32, len(spirv)/4)
	if _, err := binary.Decode(spirv, binary.LittleEndian, w); err != nil {
		return nil, err
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
	m := &module{declared: make(map[uint32]instruction), decorations: make(map[decorated]uint32), names: make(map[member]string)}
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
		m.in.Capabilities = append(m.in.Capabilities, o[0])
	case opEntryPoint:
		if o[0] == modelGLCompute {
			m.entries++
			m.in.Entry = text(o[2:])
		}
	case opExecutionMode:
		if o[1] == modeLocalSize && len(o) >= 5 {
			copy(m.in.LocalSize[:], o[2:5])
		}
	case opMemberName:
		m.names[member{o[0], o[1]}] = text(o[2:])
	case opTypeInt, opTypeFloat, opTypeImage, opTypeStruct, opTypePointer:
		m.declared[o[0]] = instruction{op, o}
	case opConstant, opSpecConstant, opConstantComposite, opSpecConstantComposite:
		m.declared[o[1]] = instruction{op, o}
	case opVariable:
		m.variables = append(m.variables, variable{o[1], o[0], o[2]})
	case opDecorate:
		value := first(o[2:])
		m.decorations[decorated{o[0], whole, o[1]}] = value
		if o[1] == decorationBuiltIn && value == builtInWorkgroupSize {
			m.workgroupConstant = o[0]
		}
		m.in.ReadsGrid = m.in.ReadsGrid || o[1] == decorationBuiltIn && value == builtInNumWorkgroups
	case opMemberDecorate:
		m.decorations[decorated{o[0], o[1], o[2]}] = first(o[3:])
	}
}

// is returns the operands of the instruction that declares an id, where it is of one of these kinds.
func (m *module) is(id uint32, ops ...uint32) ([]uint32, bool) {
	d := m.declared[id]
	if !slices.Contains(ops, d.op) {
		return nil, false
	}
	return d.operands, true
}

// has tells whether a member of a type, or with whole an id, has a decoration.
func (m *module) has(id, member, kind uint32) bool {
	_, ok := m.decorations[decorated{id, member, kind}]
	return ok
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
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
