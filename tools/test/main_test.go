package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What check and validation leave out exists: a test that was renamed would come back, and nobody would know why.
func TestSlowTestsExist(t *testing.T) {
	var all strings.Builder
	for _, room := range []string{"cmd/muninn", "model", "model/engine", "model/tokenizer", "shaders/ref", "tools/goldens", "tools/page"} {
		files, err := filepath.Glob(filepath.Join("..", "..", room, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	for _, name := range slices.Concat(slow, again, alone) {
		if !strings.Contains(all.String(), "\nfunc "+name+"(t ") {
			t.Errorf("there is no %s", name)
		}
	}
}
