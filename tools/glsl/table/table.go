// Package table reads the table of compiled kernels, shaders/variants.txt, and the index of what was compiled from it.
package table

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// Variant is one line of the table: one compiled kernel.
type Variant struct {
	Name    string   // the kernel, compiled into spv/Name.spv
	Source  string   // GLSL source, relative to the shaders folder
	Defines []string // NAME or NAME=VALUE
}

// Flags are glslc's, the same for every kernel. SPIR-V 1.3 is what Vulkan 1.1 devices take.
var Flags = []string{"-O", "--target-env=vulkan1.1"}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	defineForm = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*(=[0-9]+)?$`)
)

// Read parses a table: a kernel a line as name, source, defines; # begins a comment.
func Read(r io.Reader) ([]Variant, error) {
	var list []Variant
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 2 {
			return nil, fmt.Errorf("variants.txt:%d: %q has no source; write name, source, defines", n, fields[0])
		}
		v := Variant{Name: fields[0], Source: fields[1], Defines: fields[2:]}
		if !nameForm.MatchString(v.Name) {
			return nil, fmt.Errorf("variants.txt:%d: kernel name %q is not lower case letters, digits and underscores", n, v.Name)
		}
		if seen[v.Name] {
			return nil, fmt.Errorf("variants.txt:%d: kernel %s is already named above", n, v.Name)
		}
		seen[v.Name] = true
		if path.Ext(v.Source) != ".comp" {
			return nil, fmt.Errorf("variants.txt:%d: source %q of %s is not a .comp file", n, v.Source, v.Name)
		}
		for _, d := range v.Defines {
			if !defineForm.MatchString(d) {
				return nil, fmt.Errorf("variants.txt:%d: define %q of %s is not NAME or NAME=number", n, d, v.Name)
			}
		}
		list = append(list, v)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("variants.txt: %w", err)
	}
	return list, nil
}

// Args are glslc's arguments to compile the variant; dir is the shaders folder.
func (v Variant) Args(dir, out string) []string {
	args := append([]string{}, Flags...)
	args = append(args, "-I", dir)
	for _, d := range v.Defines {
		args = append(args, "-D"+d)
	}
	return append(args, "-o", out, path.Join(dir, v.Source))
}
