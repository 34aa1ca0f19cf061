package shaders_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/tools/glsl/table"
)

// The committed kernels are those of the sources beside them. No compiler is needed to tell.
func TestCompiledKernelsAreFresh(t *testing.T) {
	const rebuild = "run `go run ./tools/glsl` in the repository's root and commit shaders/spv"
	text, err := os.ReadFile("variants.txt")
	if err != nil {
		t.Fatal(err)
	}
	variants, err := table.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile("spv/index.txt"); err != nil {
		t.Fatal(err)
	}
	index, err := table.ReadIndex(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	sources := map[string]bool{}
	for _, v := range variants {
		named[v.Name] = true
		sources[v.Source] = true
		hash, err := v.SourceHash(os.DirFS("."))
		if err != nil {
			t.Error(err)
			continue
		}
		code, err := os.ReadFile("spv/" + v.Name + ".spv")
		if err != nil {
			t.Errorf("%s is in variants.txt but not compiled: %v; %s", v.Name, err, rebuild)
			continue
		}
		if why := index.Stale(v.Name, hash, code); why != "" {
			t.Errorf("%s is stale: %s; %s", v.Name, why, rebuild)
		}
	}
	files, err := filepath.Glob("spv/*.spv")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !named[strings.TrimSuffix(filepath.Base(file), ".spv")] {
			t.Errorf("%s is compiled but not in variants.txt; %s", file, rebuild)
		}
	}
	for name := range index.Kernels {
		if !named[name] {
			t.Errorf("%s is in spv/index.txt but not in variants.txt; %s", name, rebuild)
		}
	}
	// A .comp that nothing compiles is dead.
	comps, err := filepath.Glob("*.comp")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range comps {
		if !sources[file] {
			t.Errorf("no line of variants.txt compiles %s", file)
		}
	}
}
