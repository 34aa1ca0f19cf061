package store

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"muninn/model/checkpoint"
	"muninn/model/demo"
	"muninn/model/store/hub"
	"muninn/model/store/hub/hubtest"
)

// find asks the test's hub for a model.
func find(t *testing.T, name string) (*Download, error) {
	t.Helper()
	c, err := hub.New(t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	n, ok := HubName(name)
	if !ok {
		t.Fatalf("%s is no name", name)
	}
	return Find(t.Context(), c, n)
}

func opens(t *testing.T, name string) {
	t.Helper()
	ck, err := Open(name)
	if err != nil {
		t.Error(err)
		return
	}
	ck.Close()
}

func refuses(t *testing.T, name, want string) {
	t.Helper()
	ck, err := Open(name)
	if err == nil {
		ck.Close()
	}
	if !errors.Is(err, checkpoint.ErrModel) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func some(names ...string) fs.FS {
	files := fstest.MapFS{}
	for _, name := range names {
		name, text, _ := strings.Cut(name, "=")
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	config = `config.json={"model_type":"huginn_raven"}`
	index  = `model.safetensors.index.json={"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`
)

// Of what a repository holds the files that are opened are fetched, and of weights that it holds more than once the first kind.
func TestFind(t *testing.T) {
	shards := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
	for what, c := range map[string]struct {
		files []string
		want  string // files, or a part of the error
	}{
		"one file":       {[]string{config, "model.safetensors", "README.md", "modeling_x.py", "tokenizer.json", "vocab.json", "original/model.safetensors", "x.gguf"}, "config.json tokenizer.json model.safetensors"},
		"shards":         {append([]string{config, index, "model-00003-of-00003.safetensors", "pytorch_model.bin"}, shards...), "config.json model.safetensors.index.json " + strings.Join(shards, " ")},
		"both":           {append([]string{config, index, "model.safetensors", "chat_template.jinja"}, shards...), "config.json chat_template.jinja model.safetensors"},
		"GGUF":           {[]string{"README.md", "m.gguf", "sub/other.gguf"}, "m.gguf"},
		"GGUFs":          {[]string{"a.gguf", "b.gguf"}, "2 GGUF files; name one, as org/m:a.gguf, of: a.gguf, b.gguf"},
		"no config":      {[]string{"model.safetensors"}, "org/m has no config.json, without which its weights say nothing"},
		"another family": {[]string{`config.json={"model_type":"llama"}`, "model.safetensors"}, "org/m: architecture llama"},
		"pickles":        {[]string{config, "pytorch_model.bin"}, "only safetensors weights are read"},
		"a missing one":  {[]string{config, index, shards[0]}, "has no model-00002-of-00002.safetensors, which its index names"},
		"a hostile name": {[]string{`model.safetensors.index.json={"weight_map":{"a":"../../x.safetensors"}}`}, "is not a plain file name"},
	} {
		hubtest.New(t, map[string]fs.FS{"org/m": some(c.files...)})
		d, err := find(t, "org/m")
		var got []string
		if d != nil {
			for _, f := range d.Files {
				got = append(got, f.Path)
			}
		}
		if strings.Join(got, " ") != c.want && (err == nil || !errors.Is(err, checkpoint.ErrModel) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, %v, want %s", what, got, err, c.want)
		}
	}
}

// Of several GGUF files one is fetched and opened by its name, beside others.
func TestPullNamed(t *testing.T) {
	dir := t.TempDir()
	ck, err := Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"m-a.gguf", "m-b.gguf"} {
		if err := checkpoint.WriteGGUF(context.Background(), ck, filepath.Join(dir, name), checkpoint.WriteOptions{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	hubtest.New(t, map[string]fs.FS{"org/gguf": os.DirFS(dir)})
	if _, err := find(t, "org/gguf:m-c.gguf"); err == nil || !strings.Contains(err.Error(), "no such file; of GGUF files it has: m-a.gguf, m-b.gguf") {
		t.Error(err)
	}
	for _, name := range []string{"org/gguf:m-b.gguf", "org/gguf@main:m-a.gguf"} {
		if _, wanted := Wanted(name); !wanted {
			t.Errorf("%s is there already", name)
		}
		d, err := find(t, name)
		if err != nil {
			t.Fatal(err)
		}
		path, err := d.Pull(t.Context(), func(int64, int64) {})
		if err != nil || filepath.Base(path) != Name(name)+".gguf" {
			t.Fatal(path, err)
		}
		got, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		got.Close()
	}
}

// A model is opened by each of its names once it is fetched, and a snapshot that lacks a file counts as not there.
func TestPull(t *testing.T) {
	t.Chdir(t.TempDir())
	gguf := filepath.Join(t.TempDir(), "m.gguf")
	ck, err := Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteGGUF(context.Background(), ck, gguf, checkpoint.WriteOptions{Name: "m"}); err != nil {
		t.Fatal(err)
	}
	_, cache := hubtest.New(t, map[string]fs.FS{"org/gguf": os.DirFS(filepath.Dir(gguf)), "ByteDance/Ouro-1.4B": demo.Files})
	for _, name := range []string{"org/gguf", "ouro-1.4b", "ByteDance/Ouro-1.4B@main"} {
		n, wanted := Wanted(name)
		if strings.HasSuffix(name, "@main") == wanted {
			t.Errorf("%s is wanted: %v, %v", name, n, wanted)
		}
		refused := !wanted
		if wanted {
			refuses(t, name, "`muninn pull "+name+"` fetches it")
		}
		d, err := find(t, name)
		if err != nil || d.Left > 0 == refused {
			t.Fatal(d, err)
		}
		path, err := d.Pull(t.Context(), func(int64, int64) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, wanted := Wanted(name); wanted {
			t.Errorf("%s is still wanted", name)
		}
		for _, name := range []string{name, path, d.Repo.Name.Repo + "@" + hubtest.Commit, filepath.Join(cache, "models--"+strings.ReplaceAll(d.Repo.Name.Repo, "/", "--"))} {
			opens(t, name)
		}
	}
	opens(t, "OURO-1.4b@main")
	refuses(t, "ouro-1.4b@other", "`muninn pull ouro-1.4b@other` fetches it")
	one := filepath.Join(cache, "models--ByteDance--Ouro-1.4B", "snapshots", hubtest.Commit, "model.safetensors")
	if err := os.Remove(one); err != nil { // as another program leaves it that wanted the config alone
		t.Fatal(err)
	}
	if _, wanted := Wanted("ouro-1.4b"); !wanted {
		t.Error("a model without weights counts as there")
	}
	if err := os.Mkdir("ouro-1.4b", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, wanted := Wanted("ouro-1.4b"); wanted {
		t.Error("a folder of that name does not come first")
	}
}

// Short names are of one form and differ; each is a name on the hub.
func TestAliases(t *testing.T) {
	repos := map[string]bool{}
	for _, a := range Aliases {
		n, ok := HubName(a.Name)
		if !ok || n.Repo != a.Repo || a.Name != strings.ToLower(a.Name) || a.Licence == "" || AliasOf(a.Repo).Licence != a.Licence || a.Weights < 5e8 || Name(a.Name) == "" {
			t.Errorf("%v: %v", a, n)
		}
		repos[a.Repo] = true
	}
	if len(repos) != len(Aliases) || slices.Contains(slices.Collect(maps.Keys(repos)), "") {
		t.Error(repos)
	}
}
