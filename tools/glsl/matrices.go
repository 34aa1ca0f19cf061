package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// SPIR-V of cooperative matrices: NVIDIA's extension, which every glslc knows, and Khronos's, which drivers have and glslc knows from
// 2023.8 on. The instructions are the same but for an operand of the type that says what a matrix is used as, and for how a layout is said.
const (
	opExtension     = 10
	opCapability    = 17
	opTypeInt       = 21
	opConstantTrue  = 41
	opConstantFalse = 42

	capMatrixNV, capMatrixKHR       = 5357, 6022
	opTypeMatrixNV, opTypeMatrixKHR = 5358, 4456
	opMatrixLoadNV, opMatrixLoadKHR = 5359, 4457
	opMatrixStoreNV                 = 5360
	opMatrixStoreKHR                = 4458
	opMatrixMulNV, opMatrixMulKHR   = 5361, 4459
	opMatrixLengthNV                = 5362
)

// withResult are the instructions that a matrix may come of, beside its own.
var withResult = []uint32{1, 44, 61, 80, 81, 83, 169, 245} // undef, constant, load, construct, extract, copy, select, phi

// matrices says in Khronos's words what a kernel says in NVIDIA's; of another kernel it changes nothing.
func matrices(code []byte) ([]byte, error) {
	types, layouts := map[uint32]int{}, map[uint32]uint32{} // use of each type, -1: not known yet; 1 for columns by the constant that says so
	of := map[uint32]uint32{}                               // types of matrices
	var muls [][]byte
	var err error
	eachInstruction(code, func(op uint32, at []byte) {
		switch op {
		case opTypeMatrixNV:
			types[word(at, 1)] = -1
		case opConstantTrue, opConstantFalse:
			layouts[word(at, 2)] = opConstantFalse - op
		case opMatrixMulNV:
			muls = append(muls, at)
		case opMatrixLengthNV:
			err = errors.New("the length of a cooperative matrix is not translated")
		}
		if len(at) < 12 {
			return
		}
		if _, ok := types[word(at, 1)]; ok && (op == opMatrixLoadNV || op == opMatrixMulNV || slices.Contains(withResult, op)) {
			of[word(at, 2)] = word(at, 1)
		}
	})
	if len(types) == 0 || err != nil {
		return code, err
	}
	for _, at := range muls {
		for use := range 3 { // A, B, C
			typ := of[word(at, 3+use)]
			if was, ok := types[typ]; !ok || was >= 0 && was != use {
				return nil, fmt.Errorf("matrix %d of a product is of a type of another use, or of none: give sizes constants of their own", use)
			}
			types[typ] = use
		}
	}
	return translate(code, types, layouts)
}

// translate writes the module anew. The constants that it needs come behind the type of unsigned integers.
func translate(code []byte, types map[uint32]int, layouts map[uint32]uint32) ([]byte, error) {
	first := word(code, 3) // ids of the constants 0, 1, 2
	out := append([]byte(nil), code[:20]...)
	binary.LittleEndian.PutUint32(out[12:], first+3)
	emit := func(op uint32, operands ...uint32) {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(operands)+1)<<16|op)
		for _, w := range operands {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
	}
	var err error
	eachInstruction(code, func(op uint32, at []byte) {
		o := make([]uint32, len(at)/4-1)
		_, _ = binary.Decode(at[4:], binary.LittleEndian, o) // of fixed size, and there
		switch op {
		case opCapability:
			if o[0] == capMatrixNV {
				o[0] = capMatrixKHR
			}
		case opExtension:
			if name := "SPV_NV_cooperative_matrix"; string(at[4:4+len(name)]) == name {
				o = make([]uint32, 7)
				_, _ = binary.Decode([]byte("SPV_KHR_cooperative_matrix\x00\x00"), binary.LittleEndian, o)
			}
		case opTypeMatrixNV:
			use := types[o[0]]
			if use < 0 {
				err = errors.New("a type of matrices is in no product")
			}
			op, o = opTypeMatrixKHR, append(o, first+uint32(use))
		case opMatrixLoadNV: // type, result, pointer, stride, columns ...
			op, o[3], o[4] = opMatrixLoadKHR, first+layouts[o[4]], o[3]
		case opMatrixStoreNV: // pointer, matrix, stride, columns ...
			op, o[2], o[3] = opMatrixStoreKHR, first+layouts[o[3]], o[2]
		case opMatrixMulNV:
			op = opMatrixMulKHR
		}
		emit(op, o...)
		if op == opTypeInt && o[1] == 32 && o[2] == 0 {
			for i := range uint32(3) {
				emit(opConstant, o[0], first+i, i)
			}
		}
	})
	return out, err
}
