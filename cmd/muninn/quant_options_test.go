package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/store"
	"muninn/shaders/format"
)

// cacheOf runs quantised with a cache folder of its own and returns the checkpoint that it gives, whether that is the
// source, and what was said.
func cacheOf(t *testing.T, dir, src, quant string) (ck *checkpoint.Checkpoint, same bool, said string) {
	t.Helper()
	source, err := store.Open(src)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := checkpoint.ParseScheme(quant, "")
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	s := cli.NewStreams(nil, io.Discard, &errs, func(name string) (string, bool) { return dir, name == "MUNINN_CACHE_DIR" })
	ck, err = quantised(context.Background(), s, src, source, scheme)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		source.Close()
		if ck != source {
			ck.Close()
		}
	})
	return ck, ck == source, errs.String()
}

func cached(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "weights", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWeightCache(t *testing.T) {
	dir, src := t.TempDir(), t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json", "generation_config.json"} {
		data, err := os.ReadFile("../../model/demo/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(src, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(what string, same bool, said, part string, files int) {
		t.Helper()
		if same || !strings.Contains(said, part) || len(cached(t, dir)) != files {
			t.Errorf("%s: source used: %v, %q, want %q, files %v, want %d", what, same, said, part, cached(t, dir), files)
		}
	}
	ck, same, said := cacheOf(t, dir, src, "q4_0")
	wants("first", same, said, "quantising to q4_0, once: 69", 1)
	if info, _ := ck.Tensor("transformer.coda.0.mlp.fc.weight"); info.DType != format.Q4_0 {
		t.Errorf("coda in %s", info.DType)
	}
	path := cached(t, dir)[0]
	if base := filepath.Base(path); !strings.HasPrefix(base, plainName(src)+"-q4_0-") {
		t.Errorf("file %s", base)
	}
	_, same, said = cacheOf(t, dir, src, "q4_0")
	wants("second", same, said, "weights from the cache: "+path, 1)
	_, same, said = cacheOf(t, dir, src, "q8_0")
	wants("another format", same, said, "quantising to q8_0", 2)
	// A damaged file is made anew.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, same, said = cacheOf(t, dir, src, "q4_0")
	wants("damaged", same, said, "quantising to q4_0", 2)
	// Another file under the right name is not taken.
	if err := os.Rename(cached(t, dir)[1], path); err != nil {
		t.Fatal(err)
	}
	_, same, said = cacheOf(t, dir, src, "q4_0")
	wants("exchanged", same, said, "quantising to q4_0", 1)
	// Changed weights are other weights.
	weights := filepath.Join(src, "model.safetensors")
	if data, err = os.ReadFile(weights); err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(weights, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_, same, said = cacheOf(t, dir, src, "q4_0")
	wants("changed source", same, said, "quantising to q4_0", 2)
	// Nothing to quantise, nothing to keep.
	for _, quant := range []string{"auto", "f16"} {
		if _, same, said = cacheOf(t, dir, src, quant); !same || said != "" {
			t.Errorf("%s: %q", quant, said)
		}
	}
	if _, same, said = cacheOf(t, dir, path, "q4_0"); !same || said != "" {
		t.Errorf("a file in that format: %q", said)
	}
}

// Without a place for the file the weights are used all the same.
func TestWeightCacheCannotBeWritten(t *testing.T) {
	place := file(t, "not a folder")
	_, same, said := cacheOf(t, place, "demo", "q8_0")
	if !same || !strings.Contains(said, "no cache: ") || !strings.Contains(said, "the weights are quantised as they are loaded") {
		t.Errorf("source used: %v, %q", same, said)
	}
}
