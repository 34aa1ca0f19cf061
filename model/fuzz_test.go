package model

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"muninn/model/hostile"
)

// seedFiles gives the fuzzer one file of every hostile case, and of the sound checkpoints, that is small enough.
func seedFiles(f *testing.F, name string) {
	f.Helper()
	builds := []func(string) error{hostile.Sound, hostile.SoundShards}
	for _, c := range hostile.Cases() {
		builds = append(builds, c.Build)
	}
	for _, build := range builds {
		dir := f.TempDir()
		if err := build(dir); err != nil {
			f.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() > 1<<16 {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// A config is refused with an ErrModel, or everything that is computed from it makes sense.
func FuzzConfig(f *testing.F) {
	seedFiles(f, fileConfig)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrModel) {
				t.Fatalf("%v is not an ErrModel", err)
			}
		} else if c.HeadDim*c.NHeads != c.NEmbd || c.Params().Total <= 0 || c.PaddedVocabSize < c.VocabSize {
			t.Fatalf("accepted %+v with %+v", c, c.Params())
		}
		if g, err := ParseGenerationConfig(data); err != nil && !errors.Is(err, ErrModel) {
			t.Fatalf("%v is not an ErrModel", err)
		} else if err == nil && !(g.Temperature >= 0 && g.TopP <= 1) {
			t.Fatalf("accepted %+v", g)
		}
	})
}

// A header is refused, or its tensors fill the data exactly.
func FuzzSafetensors(f *testing.F) {
	seedFiles(f, fileSingle)
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := readHeader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		next := list[0].Start
		for _, tensor := range list {
			if tensor.Start != next || tensor.Bytes < 0 {
				t.Fatalf("tensor %q at %d of %d bytes, want it at %d", tensor.Name, tensor.Start, tensor.Bytes, next)
			}
			next += tensor.Bytes
		}
		if next != int64(len(data)) {
			t.Fatalf("tensors end at %d of %d", next, len(data))
		}
	})
}

// An index is refused, or every file it names is a plain name.
func FuzzIndex(f *testing.F) {
	seedFiles(f, fileIndex)
	f.Fuzz(func(t *testing.T, data []byte) {
		weightMap, shards, err := parseIndex(data)
		if err != nil {
			return
		}
		for _, shard := range shards {
			if filepath.Base(shard) != shard || !filepath.IsLocal(shard) {
				t.Fatalf("shard %q", shard)
			}
		}
		if len(weightMap) == 0 || len(shards) > len(weightMap) {
			t.Fatalf("%d tensors in %d shards", len(weightMap), len(shards))
		}
	})
}
