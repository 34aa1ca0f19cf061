package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"muninn/model/arch"
	"muninn/shaders/format"
)

// plan is a checkpoint before it is written.
type plan struct {
	config arch.Config
	dtype  format.Type
	seed   uint64
	shards []shard
	texts  map[string][]byte // the other files; config.json goes last, as nothing opens without it
}

// shard is one file of weights.
type shard struct {
	name    string
	header  []byte // length and JSON
	tensors []placed
	size    int64
}

// placed is a tensor at its place in the file.
type placed struct {
	arch.TensorSpec
	start, bytes int64
}

const configName, partial = "config.json", ".partial"

func newPlan(s arch.Shape, dtype format.Type, seed uint64, blockSize int, limit int64) (*plan, error) {
	p := &plan{dtype: dtype, seed: seed, texts: map[string][]byte{}}
	var err error
	if p.texts[configName], err = configJSON(s, torchNames[dtype], blockSize); err != nil {
		return nil, err
	}
	if p.config, _, err = arch.ParseConfig(p.texts[configName]); err != nil {
		return nil, fmt.Errorf("the shape is refused: %w", err)
	}
	if p.texts["generation_config.json"], err = generationJSON(s.VocabSize); err != nil {
		return nil, err
	}
	if p.texts["tokenizer.json"], err = tokenizerJSON(s.VocabSize); err != nil {
		return nil, err
	}
	return p, p.place(limit)
}

// place cuts the tensors into shards of at most limit bytes; a tensor is never cut.
func (p *plan) place(limit int64) error {
	var current *shard
	total := int64(0)
	for _, spec := range p.config.TensorSpecs() {
		if spec.Optional {
			continue // the tied head
		}
		n := p.dtype.Bytes(spec.Elements())
		if current == nil || current.size > 0 && current.size+n > limit {
			p.shards = append(p.shards, shard{})
			current = &p.shards[len(p.shards)-1]
		}
		current.tensors = append(current.tensors, placed{spec, current.size, n})
		current.size += n
		total += n
	}
	weightMap := map[string]string{}
	for i := range p.shards {
		s := &p.shards[i]
		s.name = "model.safetensors"
		if len(p.shards) > 1 {
			s.name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(p.shards))
		}
		for _, t := range s.tensors {
			weightMap[t.Name] = s.name
		}
		if err := s.makeHeader(p.dtype); err != nil {
			return err
		}
	}
	if len(p.shards) > 1 {
		index, err := json.MarshalIndent(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": weightMap}, "", "  ")
		if err != nil {
			return err
		}
		p.texts["model.safetensors.index.json"] = index
	}
	return nil
}

func (s *shard) makeHeader(dtype format.Type) error {
	entries := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	for _, t := range s.tensors {
		entries[t.Name] = map[string]any{"dtype": dtype.FileName(), "shape": t.Shape, "data_offsets": []int64{t.start, t.start + t.bytes}}
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	text = append(text, strings.Repeat(" ", (8-len(text)%8)%8)...)
	s.header = append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	return nil
}

// bytes of all weights.
func (p *plan) bytes() int64 {
	n := int64(0)
	for _, s := range p.shards {
		n += s.size
	}
	return n
}

// write puts the checkpoint into dir. Everything is written under temporary names first; then files get their names,
// config.json last. progress is called with numbers of bytes, from several goroutines.
func (p *plan) write(ctx context.Context, dir string, progress func(int)) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{configName, "model.safetensors", "model.safetensors.index.json"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s already holds %s; give another folder or remove that checkpoint", dir, name)
		}
	}
	names := p.names()
	defer func() {
		if err != nil {
			for _, name := range names {
				os.Remove(filepath.Join(dir, name+partial))
			}
		}
	}()
	for name, text := range p.texts {
		if err := os.WriteFile(filepath.Join(dir, name+partial), text, 0o644); err != nil {
			return err
		}
	}
	for _, s := range p.shards {
		if err := p.writeShard(ctx, filepath.Join(dir, s.name+partial), s, progress); err != nil {
			return err
		}
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.Rename(path+partial, path); err != nil {
			return err
		}
	}
	return nil
}

// names of all files in the order in which they may appear.
func (p *plan) names() []string {
	var names []string
	for _, s := range p.shards {
		names = append(names, s.name)
	}
	for name := range p.texts {
		if name != configName {
			names = append(names, name)
		}
	}
	return append(names, configName)
}

// chunkElements is how many elements one goroutine makes at a time: 2 to 4 MiB of file.
const chunkElements = 1 << 20

// writeShard writes one file, its chunks by all cores at once.
func (p *plan) writeShard(ctx context.Context, path string, s shard, progress func(int)) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(s.header, 0); err != nil {
		return err
	}
	type chunk struct {
		source *source
		first  int64 // element
		count  int64
		off    int64 // in the file
	}
	chunks := make(chan chunk)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			buf := make([]byte, chunkElements*p.dtype.Size())
			for c := range chunks {
				part := buf[:c.count*int64(p.dtype.Size())]
				c.source.fill(part, c.first)
				if _, err := f.WriteAt(part, c.off); err != nil {
					cancel(err)
				}
				progress(len(part))
			}
		})
	}
	size := int64(p.dtype.Size())
	for _, t := range s.tensors {
		src := newSource(p.config, t.TensorSpec, p.dtype, p.seed)
		for first, all := int64(0), t.bytes/size; first < all && ctx.Err() == nil; first += chunkElements {
			chunks <- chunk{src, first, min(chunkElements, all-first), int64(len(s.header)) + t.start + first*size}
		}
	}
	close(chunks)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return f.Sync()
}
