// Package table reads the table of compiled kernels, shaders/variants.txt, and the index of what was compiled from it.
package table

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Variant is one compiled kernel.
type Variant struct {
	Name    string   // the kernel, compiled into spv/Name.spv
	Source  string   // GLSL source, relative to the shaders folder
	Defines []string // NAME or NAME=VALUE, sorted
}

// Flags are glslc's, the same for every kernel. SPIR-V 1.3 is what Vulkan 1.1 devices take; of what -g adds, the names of push
// constants are kept.
var Flags = []string{"-O", "-g", "--target-env=vulkan1.1"}

var (
	nameForm   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	defineForm = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*(=[0-9]+)?$`)
	setForm    = regexp.MustCompile(`\{([A-Z0-9_]*)\}`)
)

// Read parses a table and returns its kernels in order. A line "let SET word:DEFINE,DEFINE ..." names a set; any other is a
// kernel's name, source and defines, and stands for one kernel for each word of each {SET} in the name. # begins a comment.
func Read(r io.Reader) ([]Variant, error) {
	var list []Variant
	sets, seen := map[string][]string{}, map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		switch {
		case len(fields) == 0:
			continue
		case len(fields) < 2:
			return nil, fmt.Errorf("variants.txt:%d: %q has no source; write name, source, defines", n, fields[0])
		case fields[0] == "let":
			sets[fields[1]] = fields[2:]
			continue
		}
		expanded, err := expand(Variant{fields[0], fields[1], fields[2:]}, sets)
		for i := 0; i < len(expanded) && err == nil; i++ {
			if err = expanded[i].check(); err == nil && seen[expanded[i].Name] {
				err = fmt.Errorf("kernel %s is already named above", expanded[i].Name)
			}
			seen[expanded[i].Name] = true
		}
		if err != nil {
			return nil, fmt.Errorf("variants.txt:%d: %w", n, err)
		}
		list = append(list, expanded...)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("variants.txt: %w", err)
	}
	return list, nil
}

// expand puts each word of the first {SET} in the name of v into v, and expands what comes of that.
func expand(v Variant, sets map[string][]string) ([]Variant, error) {
	set := setForm.FindStringSubmatch(v.Name)
	if set == nil {
		slices.Sort(v.Defines)
		return []Variant{v}, nil
	}
	if len(sets[set[1]]) == 0 {
		return nil, fmt.Errorf("%s in %q is no set named above", set[0], v.Name)
	}
	var list []Variant
	for _, w := range sets[set[1]] {
		word, defines, some := strings.Cut(w, ":")
		one := Variant{strings.ReplaceAll(v.Name, set[0], word), strings.ReplaceAll(v.Source, set[0], word), slices.Clone(v.Defines)}
		if some {
			one.Defines = append(one.Defines, strings.Split(defines, ",")...)
		}
		more, err := expand(one, sets)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return list, nil
}

func (v Variant) check() error {
	if !nameForm.MatchString(v.Name) {
		return fmt.Errorf("kernel name %q is not lower case letters, digits and underscores", v.Name)
	}
	if path.Ext(v.Source) != ".comp" {
		return fmt.Errorf("source %q of %s is not a .comp file", v.Source, v.Name)
	}
	for i, d := range v.Defines {
		if !defineForm.MatchString(d) {
			return fmt.Errorf("define %q of %s is not NAME or NAME=number", d, v.Name)
		}
		if name := bare(d); i > 0 && name == bare(v.Defines[i-1]) {
			return fmt.Errorf("%s of %s is defined twice", name, v.Name)
		}
	}
	return nil
}

// bare is a define's name without its value.
func bare(define string) string {
	name, _, _ := strings.Cut(define, "=")
	return name
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
