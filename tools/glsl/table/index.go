package table

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Index says what the compiled kernels were compiled from.
type Index struct {
	Tool    string // glslc's version, on one line
	Kernels map[string]Entry
}

// Entry is one compiled kernel. Both hashes are sha256 in hex.
type Entry struct {
	Source string // of the source, the files it includes, the defines and the flags
	Code   string // of the .spv file
}

// ReadIndex parses what Text gives.
func ReadIndex(r io.Reader) (Index, error) {
	x := Index{Kernels: map[string]Entry{}}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			x.Tool = lines.Text()
			continue
		}
		f := strings.Fields(lines.Text())
		if len(f) != 3 || len(f[1]) != 2*sha256.Size || len(f[2]) != 2*sha256.Size {
			return x, fmt.Errorf("index.txt:%d: not a kernel name and two sha256 sums", n)
		}
		x.Kernels[f[0]] = Entry{Source: f[1], Code: f[2]}
	}
	return x, lines.Err()
}

// Text is the tool's version, then a line for each kernel in order of name: name, source hash, code hash.
func (x Index) Text() []byte {
	text := fmt.Appendln(nil, x.Tool)
	for _, name := range slices.Sorted(maps.Keys(x.Kernels)) {
		text = fmt.Appendln(text, name, x.Kernels[name].Source, x.Kernels[name].Code)
	}
	return text
}

// CodeHash is the hash of a compiled kernel.
func CodeHash(code []byte) string {
	return fmt.Sprintf("%x", sha256.Sum256(code))
}

// SourceHash is the hash of all that decides a variant's code: its source with every file that it includes, directly
// or not and whatever the defines say, its defines, and the flags. shaders is the shaders folder.
func (v Variant) SourceHash(shaders fs.FS) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", Flags, v.Defines)
	if err := include(shaders, v.Source, map[string]bool{}, h); err != nil {
		return "", fmt.Errorf("kernel %s: %w", v.Name, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

var includeLine = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]+"([^"]+)"`)

// include writes a file and what it includes to w, each file once. Names are looked up as glslc does: beside the
// including file, then in the shaders folder.
func include(shaders fs.FS, name string, seen map[string]bool, w io.Writer) error {
	if seen[name] {
		return nil
	}
	seen[name] = true
	text, err := fs.ReadFile(shaders, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %d\n%s", name, len(text), text)
	for _, m := range includeLine.FindAllSubmatch(text, -1) {
		target := path.Join(path.Dir(name), string(m[1]))
		if _, err := fs.Stat(shaders, target); errors.Is(err, fs.ErrNotExist) {
			target = path.Clean(string(m[1]))
		}
		if err := include(shaders, target, seen, w); err != nil {
			return fmt.Errorf("%s includes %q: %w", name, m[1], err)
		}
	}
	return nil
}

// Stale says why a kernel must be compiled anew, or nothing: source is its hash now, code its .spv (nil for none).
func (x Index) Stale(name, source string, code []byte) string {
	e, ok := x.Kernels[name]
	switch {
	case !ok:
		return "not in the index"
	case code == nil:
		return "never compiled"
	case e.Source != source:
		return "its source, an include or its defines changed"
	case e.Code != CodeHash(code):
		return "its .spv is not the one that was compiled"
	}
	return ""
}
