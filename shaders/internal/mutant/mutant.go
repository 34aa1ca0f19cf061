// Package mutant breaks compiled kernels for tests.
package mutant

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// SPIR-V instructions, by the specification's opcodes; those that Replace is given have the same operands. Above Extended are those
// of GLSL.std.450.
const (
	IAdd, IMul             = 128, 132
	FAdd, FSub, FMul, FDiv = 129, 131, 133, 136
	FOrdLess, FOrdGreater  = 184, 186
	SDot, SUDot            = 4450, 4452
	ShiftRight, ShiftLeft  = 194, 196
	Extended               = 1 << 15
	FMix, Fma              = Extended | 46, Extended | 50

	extInst = 12
)

// Replace changes the nth instruction of opcode from into to, from the back where n is negative.
func Replace(code []byte, from, to uint16, nth int) ([]byte, error) {
	out := bytes.Clone(code)
	var at []int                     // where the opcodes are
	for i := 20; i+4 <= len(code); { // behind the header of five words
		op, words := binary.LittleEndian.Uint16(code[i:]), int(binary.LittleEndian.Uint16(code[i+2:]))
		if words == 0 {
			return nil, fmt.Errorf("SPIR-V with an instruction of no words")
		}
		if number := i + 16; op == extInst && binary.LittleEndian.Uint16(code[number:])|Extended == from {
			at = append(at, number)
		} else if op == from {
			at = append(at, i)
		}
		i += 4 * words
	}
	if nth < 0 {
		nth += len(at)
	}
	if nth < 0 || nth >= len(at) {
		return nil, fmt.Errorf("%d instructions with opcode %d", len(at), from)
	}
	binary.LittleEndian.PutUint16(out[at[nth]:], to&^Extended)
	return out, nil
}
