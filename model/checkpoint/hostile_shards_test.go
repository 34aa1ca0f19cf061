package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"muninn/model/arch"
)

// sharded is the sound checkpoint in two shards, before it is written.
type sharded struct {
	*folder
	files map[string]*weights
	index map[string]string // weight_map
}

const shardA, shardB = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"

func soundShards() *sharded {
	s := &sharded{folder: sound(), files: map[string]*weights{shardA: {}, shardB: {}}, index: map[string]string{}}
	for i, t := range s.weights.tensors {
		name := []string{shardA, shardB}[i%2]
		to := s.files[name]
		begin := uint64(len(to.data))
		to.data = append(to.data, s.weights.data[t.begin:t.end]...)
		to.tensors = append(to.tensors, tensor{t.name, t.dtype, t.shape, begin, uint64(len(to.data))})
		s.index[t.name] = name
	}
	return s
}

// soundShardsIn writes the sound checkpoint as two shards and an index.
func soundShardsIn(dir string) error { return soundShards().write(dir) }

func (s *sharded) write(dir string) error {
	if err := s.folder.write(dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, fileSingle)); err != nil {
		return err
	}
	for name, w := range s.files {
		if err := put(dir, name, w.bytes()); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": len(s.weights.data)}, "weight_map": s.index})
	if err != nil {
		return err
	}
	return put(dir, fileIndex, text)
}

// split is a case of a checkpoint in shards.
func badSplit(name, want string, change func(s *sharded)) badCase {
	return badCase{Name: "shards: " + name, Want: want, Build: func(dir string) error {
		s := soundShards()
		change(s)
		return s.write(dir)
	}}
}

// named is a case in which the index names a file for ln_f.
func badShard(name, want, file string) badCase {
	return badSplit(name, want, func(s *sharded) { s.index[ln] = file })
}

// index is a case of the index as a text.
func badIndex(name, want, text string) badCase {
	return badCase{Name: "shards: " + name, Want: want, Build: func(dir string) error {
		if err := soundShardsIn(dir); err != nil {
			return err
		}
		return put(dir, fileIndex, []byte(text))
	}}
}

func shardCases() []badCase {
	const notPlain = "is not a plain file name inside the folder"
	return []badCase{
		badShard("parent folder", notPlain, "../x.safetensors"),
		badShard("absolute path", notPlain, "/etc/x.safetensors"),
		badShard("subfolder", notPlain, "sub/x.safetensors"),
		badShard("backslash", notPlain, `..\x.safetensors`),
		badShard("drive", notPlain, "c:x.safetensors"),
		badShard("zero byte", notPlain, "x\x00.safetensors"),
		badShard("hidden file", notPlain, ".safetensors"),
		badShard("empty name", "is not a .safetensors file", ""),
		badShard("the index itself", "is not a .safetensors file", fileIndex),
		badShard("another kind of file", "is not a .safetensors file", "pytorch_model.bin"),
		badShard("a shard that is not there", fileIndex+" names it: fetch the missing shard", "model-00003-of-00002.safetensors"),
		badShard("the wrong shard", "which "+fileIndex+" does not place here", shardA),
		badSplit("tensor in the other shard", "which "+fileIndex+" does not place here", func(s *sharded) { s.index[ln], s.index[wte] = s.index[wte], s.index[ln] }),
		badSplit("tensor not in its shard", `tensor "ghost" is not in shard `+shardA, func(s *sharded) { s.index["ghost"] = shardA }),
		badSplit("tensor in both shards", "is also in "+shardA, func(s *sharded) {
			b := s.files[shardB]
			begin := uint64(len(b.data))
			b.data = append(b.data, make([]byte, 4*vocab*width)...)
			b.tensors = append(b.tensors, tensor{wte, "F32", fmt.Sprintf("[%d,%d]", vocab, width), begin, uint64(len(b.data))})
		}),
		badSplit("tensor not in the index", "which "+fileIndex+" does not place here", func(s *sharded) { delete(s.index, wte) }),
		badSplit("shard cut short", shardB+": ", func(s *sharded) { w := s.files[shardB]; w.data = w.data[:len(w.data)/2] }),
		badSplit("shard of another file type", shardB+": ", func(s *sharded) { s.files[shardB] = &weights{header: "PK", data: make([]byte, 99)} }),
		badSplit("two thousand shards", "2002 shards, at most 1000 are read", func(s *sharded) {
			for i := range 2000 {
				s.index[fmt.Sprint("t", i)] = fmt.Sprintf("model-%d.safetensors", i)
			}
		}),
		badIndex("not JSON", fileIndex+": not valid JSON", "weight_map"),
		badIndex("no map", fileIndex+": no weight_map", `{"metadata":{}}`),
		badIndex("empty map", fileIndex+": weight_map is empty", `{"weight_map":{}}`),
		badIndex("map a list", "weight_map is not an object of strings", `{"weight_map":["a"]}`),
		badIndex("file a number", "weight_map is not an object of strings", `{"weight_map":{"a":1}}`),
		badIndex("duplicate tensor", `duplicate key "a"`, `{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}`),
		badIndex("two maps", `duplicate key "weight_map"`, `{"weight_map":{"a":"x.safetensors"},"weight_map":{}}`),
	}
}

// folderCases are about the files as such.
func folderCases() []badCase {
	remove := func(names ...string) func(dir string) error {
		return func(dir string) error {
			for _, name := range names {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	folder := func(name string) func(dir string) error {
		return func(dir string) error {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(dir, name), 0o755)
		}
	}
	return []badCase{
		{Name: "folder: empty", Want: "config.json: ", Build: func(string) error { return nil }},
		replaced("folder: no config", "config.json: ", remove(arch.FileConfig)),
		replaced("folder: no weights", "neither model.safetensors nor model.safetensors.index.json", remove(fileSingle)),
		replaced("folder: pickled weights only", "only safetensors weights are read", func(dir string) error {
			if err := os.Remove(filepath.Join(dir, fileSingle)); err != nil {
				return err
			}
			return put(dir, "pytorch_model.bin", []byte("PK"))
		}),
		replaced("folder: config is a folder", "config.json: not a regular file", folder(arch.FileConfig)),
		replaced("folder: weights are a folder", "model.safetensors: not a regular file", folder(fileSingle)),
		replaced("folder: generation config is a folder", "generation_config.json: not a regular file", folder(arch.FileGeneration)),
	}
}
