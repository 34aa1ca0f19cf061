package main

import (
	"encoding/binary"
	"os"
)

// SPIR-V opcodes that say nothing to a driver, and those by which push constant blocks are found.
const (
	opSourceContinued = 2
	opName            = 5
	opMemberName      = 6
	opString          = 7
	opLine            = 8
	opTypePointer     = 32
	opConstant        = 43
	opNoLine          = 317
	opModuleProcessed = 330

	classPushConstant = 9
)

// finish makes of what the compiler wrote what is committed.
func finish(file string) error {
	code, err := os.ReadFile(file)
	if err == nil {
		code, err = matrices(keepPushNames(code))
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, code, 0o644)
}

// keepPushNames drops all that a kernel says about its source but the names of its push constants, by which their order is checked
// when they are pushed.
func keepPushNames(code []byte) []byte {
	blocks := map[uint32]bool{}
	eachInstruction(code, func(op uint32, at []byte) {
		if op == opTypePointer && word(at, 2) == classPushConstant {
			blocks[word(at, 3)] = true
		}
	})
	kept := append([]byte(nil), code[:20]...)
	eachInstruction(code, func(op uint32, at []byte) {
		debug := op >= opSourceContinued && op <= opName || op == opString || op == opLine || op == opNoLine || op == opModuleProcessed
		if !debug && (op != opMemberName || blocks[word(at, 1)]) {
			kept = append(kept, at...)
		}
	})
	return kept
}

func word(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }

// eachInstruction walks a module that a compiler made.
func eachInstruction(code []byte, do func(op uint32, at []byte)) {
	for at := 20; at < len(code); {
		n := 4 * int(word(code[at:], 0)>>16)
		do(word(code[at:], 0)&0xffff, code[at:at+n])
		at += n
	}
}
