package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The committed kernels have the names of their push constants, and nothing else of their source.
func TestCommittedNames(t *testing.T) {
	files, err := filepath.Glob("../../shaders/spv/*.spv")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d kernels (%v)", len(files), err)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names, pushes := 0, 0
		eachInstruction(code, func(op uint32, at []byte) {
			switch op {
			case opMemberName:
				names++
			case opTypePointer:
				if word(at, 2) == classPushConstant {
					pushes++
				}
			case opName, opString, opLine, opNoLine, opModuleProcessed:
				t.Errorf("%s: instruction %d", file, op)
			}
		})
		if (names > 0) != (pushes > 0) {
			t.Errorf("%s: %d names, %d pointers to push constants", file, names, pushes)
		}
	}
}
