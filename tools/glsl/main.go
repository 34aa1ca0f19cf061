// Command glsl compiles the kernels that shaders/variants.txt names into shaders/spv, with an index of what each was
// compiled from. Only stale kernels are compiled, and files that no line names are removed.
//
//	go run ./tools/glsl           compile
//	go run ./tools/glsl -check    compile into a temporary folder and compare with shaders/spv
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"muninn/tools/glsl/table"
)

func main() {
	dir := flag.String("dir", "shaders", "shaders folder")
	check := flag.Bool("check", false, "compile into a temporary folder and compare with the committed kernels")
	flag.Parse()
	f, err := open(*dir)
	switch {
	case err != nil:
	case *check:
		err = f.verify()
	default:
		err = f.build()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "glsl:", err)
		os.Exit(1)
	}
}

// folder is the state of a shaders folder on disk, and what compiles it.
type folder struct {
	compiler
	dir      string
	variants []table.Variant
	index    table.Index
}

func (f folder) spv(name string) string { return filepath.Join(f.dir, "spv", name+".spv") }

// code is a compiled kernel, nil when there is none.
func (f folder) code(name string) []byte {
	code, err := os.ReadFile(f.spv(name))
	if err != nil {
		return nil // compiled anew, which reports what is wrong with the file
	}
	return code
}

func open(dir string) (folder, error) {
	f := folder{dir: dir, index: table.Index{Kernels: map[string]table.Entry{}}}
	text, err := os.ReadFile(filepath.Join(dir, "variants.txt"))
	if err != nil {
		return f, fmt.Errorf("%w; run from the repository's root or name the folder with -dir", err)
	}
	if f.variants, err = table.Read(bytes.NewReader(text)); err != nil {
		return f, err
	}
	text, err = os.ReadFile(filepath.Join(dir, "spv", "index.txt"))
	if err == nil {
		f.index, err = table.ReadIndex(bytes.NewReader(text))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	f.compiler, err = findCompiler()
	return f, err
}

// build compiles what is stale. Another version of the tool makes everything stale, so that one version made all.
func (f folder) build() error {
	if err := os.MkdirAll(filepath.Join(f.dir, "spv"), 0o755); err != nil {
		return err
	}
	next := table.Index{Tool: f.version, Kernels: map[string]table.Entry{}}
	var stale []table.Variant
	for _, v := range f.variants {
		hash, err := v.SourceHash(os.DirFS(f.dir))
		if err != nil {
			return err
		}
		next.Kernels[v.Name] = table.Entry{Source: hash}
		if f.index.Tool != f.version || f.index.Stale(v.Name, hash, f.code(v.Name)) != "" {
			stale = append(stale, v)
		}
	}
	if err := f.compileAll(stale, f.dir, f.spv); err != nil {
		return err
	}
	for name, e := range next.Kernels {
		e.Code = table.CodeHash(f.code(name))
		next.Kernels[name] = e
	}
	removed, err := f.removeUnnamed(next)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.dir, "spv", "index.txt"), next.Text(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "glsl: %d kernels, %d compiled, %d removed; %s%s\n", len(f.variants), len(stale), removed, f.version, f.validated())
	return nil
}

func (c compiler) validated() string {
	if c.spirvVal == "" {
		return "; not validated: spirv-val is not installed"
	}
	return ""
}

// removeUnnamed deletes compiled kernels that the table does not name.
func (f folder) removeUnnamed(x table.Index) (int, error) {
	files, err := filepath.Glob(filepath.Join(f.dir, "spv", "*.spv"))
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, file := range files {
		if _, ok := x.Kernels[strings.TrimSuffix(filepath.Base(file), ".spv")]; ok {
			continue
		}
		if err := os.Remove(file); err != nil {
			return removed, err
		}
		removed++
	}
	return removed, nil
}

// verify compiles everything anew. The bytes depend on the compiler's version, so they are compared only when the
// installed one made the committed kernels; with another version the kernels have to compile and pass spirv-val.
func (f folder) verify() error {
	tmp, err := os.MkdirTemp("", "glsl")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	fresh := func(name string) string { return filepath.Join(tmp, name+".spv") }
	if err := f.compileAll(f.variants, f.dir, fresh); err != nil {
		return err
	}
	if f.version != f.index.Tool {
		fmt.Fprintf(os.Stderr, "glsl: %d kernels compile%s; bytes not compared: installed is %s, the committed kernels were made by %s\n",
			len(f.variants), f.validated(), f.version, f.index.Tool)
		return nil
	}
	var wrong []error
	for _, v := range f.variants {
		code, err := os.ReadFile(fresh(v.Name))
		if err != nil {
			return err
		}
		if !bytes.Equal(code, f.code(v.Name)) {
			wrong = append(wrong, fmt.Errorf("%s differs from what its source compiles to; run `go run ./tools/glsl` and commit shaders/spv", f.spv(v.Name)))
		}
	}
	if len(wrong) == 0 {
		fmt.Fprintf(os.Stderr, "glsl: %d kernels equal to what %s makes%s\n", len(f.variants), f.version, f.validated())
	}
	return errors.Join(wrong...)
}
