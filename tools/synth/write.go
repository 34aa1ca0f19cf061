package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/nlpodyssey/safetensors"

	"muninn/model/arch"
	"muninn/shaders/format"
)

// plan is a checkpoint before it is written.
type plan struct {
	config arch.Config
	dtype  elementType
	seed   uint64
	shards []shard
	texts  map[string][]byte // the other files; config.json goes last, as nothing opens without it
}

// elementType is a type of stored weights under its names.
type elementType struct {
	format.Type
	file  safetensors.DType
	torch string // in config.json
}

// elementTypes are those that --dtype names.
var elementTypes = map[string]elementType{
	"bf16": {format.BF16, safetensors.BF16, "bfloat16"}, "f16": {format.F16, safetensors.F16, "float16"}, "f32": {format.F32, safetensors.F32, "float32"},
}

// shard is one file of weights.
type shard struct {
	name    string
	tensors map[string]tensor
	size    int64 // of the tensors, in bytes
}

const configName = "config.json"

// place cuts the tensors into shards of at most limit bytes; a tensor is never cut.
func (p *plan) place(limit int64) error {
	var current *shard
	for _, spec := range p.config.TensorSpecs() {
		if spec.Optional {
			continue // the tied head
		}
		n := p.dtype.Bytes(spec.Elements())
		if current == nil || current.size > 0 && current.size+n > limit {
			p.shards = append(p.shards, shard{name: "model.safetensors", tensors: map[string]tensor{}})
			current = &p.shards[len(p.shards)-1]
		}
		current.tensors[spec.Name] = tensor{p, spec}
		current.size += n
	}
	if len(p.shards) == 1 {
		return nil
	}
	weightMap := map[string]string{}
	for i := range p.shards {
		s := &p.shards[i]
		s.name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(p.shards))
		for name := range s.tensors {
			weightMap[name] = s.name
		}
	}
	var err error
	p.texts["model.safetensors.index.json"], err = json.MarshalIndent(map[string]any{
		"metadata": map[string]any{"total_size": p.bytes()}, "weight_map": weightMap,
	}, "", "  ")
	return err
}

// bytes of all weights.
func (p *plan) bytes() int64 {
	n := int64(0)
	for _, s := range p.shards {
		n += s.size
	}
	return n
}

// write puts the checkpoint into dir. Everything is written into a folder of its own first; then files go to their places,
// config.json last. progress is called with numbers of bytes.
func (p *plan) write(ctx context.Context, dir string, progress func(int)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{configName, "model.safetensors", "model.safetensors.index.json"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s already holds %s; give another folder or remove that checkpoint", dir, name)
		}
	}
	partial, err := os.MkdirTemp(dir, ".partial-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	names := slices.Collect(maps.Keys(p.texts))
	for name, text := range p.texts {
		if err := os.WriteFile(filepath.Join(partial, name), text, 0o644); err != nil {
			return err
		}
	}
	for _, s := range p.shards {
		names = append(names, s.name)
		if err := s.write(ctx, filepath.Join(partial, s.name), progress); err != nil {
			return err
		}
	}
	names = append(slices.DeleteFunc(names, func(name string) bool { return name == configName }), configName)
	for _, name := range names {
		if err := os.Rename(filepath.Join(partial, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// write writes one file.
func (s shard) write(ctx context.Context, path string, progress func(int)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = safetensors.SerializeToWriter(s.tensors, map[string]string{"format": "pt"}, watched{f, ctx, progress})
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// watched is a file that tells of its progress and ends with a context.
type watched struct {
	file     *os.File
	ctx      context.Context
	progress func(int)
}

func (w watched) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	n, err := w.file.Write(p)
	w.progress(n)
	return n, err
}
