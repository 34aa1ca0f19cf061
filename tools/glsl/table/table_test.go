package table

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRead(t *testing.T) {
	got, err := Read(strings.NewReader("# head\n\nfoo_sg foo.comp NR=4 SUBGROUP # tail\nbar bar.comp\n"))
	if err != nil || len(got) != 2 || got[0].Name != "foo_sg" || got[0].Source != "foo.comp" || strings.Join(got[0].Defines, " ") != "NR=4 SUBGROUP" {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, bad := range []string{"lonely", "a a.comp\na a.comp", "../a a.comp", "a a.glsl", "a a.comp x;y", "a_{X} a.comp", "let X\na_{X} a.comp",
		"let X a a\n{X} {X}.comp", "let X a:x;y\n{X} a.comp", "let X a:N=1\n{X} a.comp N=2", "a {X}.comp X\na_{} a.comp"} {
		if _, err := Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "variants.txt:") {
			t.Errorf("%q: error %v does not name the line", bad, err)
		}
	}
}

// A set in a name makes a kernel of each word, and the word goes into the source.
func TestReadExpandsSets(t *testing.T) {
	got, err := Read(strings.NewReader("let OP mul add\nlet W f32:W_F32 q8:W_Q8,BLOCKS=32\n{OP}_{W}_{OP} {OP}.comp FAST\n"))
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, v := range got {
		text = append(text, strings.Join(append([]string{v.Name, v.Source}, v.Defines...), " "))
	}
	want := []string{"mul_f32_mul mul.comp FAST W_F32", "mul_q8_mul mul.comp BLOCKS=32 FAST W_Q8", "add_f32_add add.comp FAST W_F32", "add_q8_add add.comp BLOCKS=32 FAST W_Q8"}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

// Each thing that decides the code changes the hash; a file that is not reached does not.
func TestSourceHash(t *testing.T) {
	files := func() fstest.MapFS {
		return fstest.MapFS{
			"a.comp":       {Data: []byte("#include \"lib/one.glsl\"\nvoid main() {}\n")},
			"lib/one.glsl": {Data: []byte("# include \"two.glsl\"\n")},
			"lib/two.glsl": {Data: []byte("#include \"one.glsl\"\n")},
			"two.glsl":     {Data: []byte("the one beside the includer is taken\n")},
		}
	}
	hash := func(v Variant, f fstest.MapFS) string {
		t.Helper()
		h, err := v.SourceHash(f)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	v := Variant{Name: "a", Source: "a.comp", Defines: []string{"X"}}
	base := hash(v, files())
	for _, name := range []string{"a.comp", "lib/one.glsl", "lib/two.glsl"} {
		f := files()
		f[name].Data = append(f[name].Data, ' ')
		if hash(v, f) == base {
			t.Errorf("an edit of %s is not seen", name)
		}
	}
	f := files()
	f["two.glsl"].Data = nil
	if hash(v, f) != base {
		t.Error("a file that is not included counts")
	}
	if hash(Variant{Name: "a", Source: "a.comp", Defines: []string{"Y"}}, files()) == base {
		t.Error("other defines are not seen")
	}
	delete(f, "lib/two.glsl")
	delete(f, "two.glsl")
	if _, err := v.SourceHash(f); err == nil || !strings.Contains(err.Error(), "two.glsl") {
		t.Errorf("a missing include gives %v", err)
	}
}

func TestIndex(t *testing.T) {
	code := []byte{3, 2, 35, 7}
	x := Index{Tool: "tool 1, lib 2", Kernels: map[string]Entry{"b": {CodeHash(nil), CodeHash(code)}, "a": {CodeHash(code), CodeHash(nil)}}}
	got, err := ReadIndex(bytes.NewReader(x.Text()))
	if err != nil || got.Tool != x.Tool || got.Kernels["b"] != x.Kernels["b"] || got.Kernels["a"] != x.Kernels["a"] {
		t.Fatalf("got %v, %v", got, err)
	}
	if why := got.Stale("b", CodeHash(nil), code); why != "" {
		t.Errorf("a fresh kernel is called stale: %s", why)
	}
	for name, why := range map[string]string{
		"source": got.Stale("b", CodeHash(code), code), "code": got.Stale("b", CodeHash(nil), []byte{1}),
		"missing": got.Stale("b", CodeHash(nil), nil), "unknown": got.Stale("c", CodeHash(nil), code),
	} {
		if why == "" {
			t.Errorf("%s: not called stale", name)
		}
	}
	if _, err := ReadIndex(strings.NewReader("tool\na b\n")); err == nil {
		t.Error("a broken line is taken")
	}
}
