package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"muninn/model/arch"
)

// seedFiles gives the fuzzer one file of every hostile case, and of the sound checkpoints, that is small enough.
func seedFiles(f *testing.F, name string) {
	f.Helper()
	builds := []func(string) error{soundIn, soundShardsIn}
	for _, c := range hostileCases() {
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
	seedFiles(f, arch.FileConfig)
	for _, s := range arch.Shapes {
		f.Add([]byte(s.JSON))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _, err := arch.ParseConfig(data, nil)
		if err != nil {
			if !errors.Is(err, ErrModel) {
				t.Fatalf("%v is not an ErrModel", err)
			}
		} else if c.HeadDim < 2 || c.HeadDim%2 != 0 || c.NHeads%c.KVHeads() != 0 || c.Params() <= 0 || c.StepBlocks() < c.NLayersInRecurrentBlock ||
			c.PaddedVocabSize < c.VocabSize || c.Family == arch.Huginn && c.HeadDim*c.NHeads != c.NEmbd || !(c.StateStd()*c.EmbedScale() >= 0) {
			t.Fatalf("accepted %+v with %+v", c, c.Params())
		}
		if g, _ := arch.ParseGeneration(data, 100); !(g.Temperature >= 0 && g.TopP <= 1 && g.BOS < 100) {
			t.Fatalf("accepted %+v", g)
		}
	})
}

// A header is refused, or its tensors fill the data exactly. The data itself is never read, so the fuzzer gives its length
// only and spends its time on the header.
func FuzzSafetensors(f *testing.F) {
	for _, header := range []string{
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`,
		`{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]},"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}`,
		`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"I32","shape":[1,0],"data_offsets":[4,4]},"c":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`,
		`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`,
		`{"a":{"dtype":"F8_E4M3","shape":[4294967296,4294967296],"data_offsets":[0,18446744073709551615]}}`,
	} {
		f.Add(uint64(len(header)), []byte(header), int64(8))
	}
	f.Fuzz(func(t *testing.T, length uint64, header []byte, data int64) {
		if data < 0 || data > 1<<50 {
			return
		}
		file := append(binary.LittleEndian.AppendUint64(nil, length), header...)
		size := int64(len(file)) + data
		list, err := readHeader(bytes.NewReader(file), size)
		if err != nil {
			return
		}
		next := list[0].start
		for _, tensor := range list {
			if tensor.start != next || tensor.Bytes < 0 {
				t.Fatalf("tensor %q at %d of %d bytes, want it at %d", tensor.Name, tensor.start, tensor.Bytes, next)
			}
			next += tensor.Bytes
		}
		if next != size {
			t.Fatalf("tensors end at %d of %d", next, size)
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
