package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"muninn/model/internal/strict"
)

// Names of further files of a checkpoint folder, as model hubs have them, and bounds on what is read.
const (
	fileTokenizer = "tokenizer.json"
	fileSingle    = "model.safetensors"
	fileIndex     = "model.safetensors.index.json"

	maxShards     = 1000
	maxIndexBytes = 16 << 20
)

// ErrNoWeights says that a folder has no file of weights under a name that is read.
var ErrNoWeights = errors.New("only safetensors weights are read")

// Needed lists which files of a folder opening it reads: the texts that are there, and model.safetensors or else the index, which read
// gives, and the shards that it names. Whatever else holds weights is passed over.
func Needed(has func(name string) bool, read func(name string) ([]byte, error)) (names []string, err error) {
	for _, t := range textFiles {
		if has(t.name) {
			names = append(names, t.name)
		}
	}
	switch {
	case has(fileSingle):
		return append(names, fileSingle), nil
	case !has(fileIndex):
		return nil, strict.Unusable("neither %s nor %s; %w", fileSingle, fileIndex, ErrNoWeights)
	}
	data, err := read(fileIndex)
	if err != nil {
		return nil, err
	}
	_, shards, err := parseIndex(data)
	if err != nil {
		return nil, strict.Unusable("%s: %w", fileIndex, err)
	}
	return append(append(names, fileIndex), shards...), nil
}

// openFiles opens model.safetensors, or the shards that the index names. The tensors of a GGUF file are known already.
func (c *Checkpoint) openFiles() error {
	if c.gguf != nil {
		return nil
	}
	_, err := fs.Lstat(c.fsys, fileSingle)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return c.addFile(fileSingle, nil)
	}
	data, err := readSmall(c.fsys, fileIndex, maxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return strict.Unusable("neither %s nor %s in the folder; %w", fileSingle, fileIndex, ErrNoWeights)
	}
	if err != nil {
		return strict.Unusable("%s: %w", fileIndex, err)
	}
	weightMap, shards, err := parseIndex(data)
	if err != nil {
		return strict.Unusable("%s: %w", fileIndex, err)
	}
	for _, shard := range shards {
		if _, err := fs.Stat(c.fsys, shard); errors.Is(err, fs.ErrNotExist) {
			return strict.Unusable("%s: %w; %s names it: fetch the missing shard", shard, pathCause(err), fileIndex)
		}
	}
	for _, shard := range shards {
		if err := c.addFile(shard, weightMap); err != nil {
			return err
		}
	}
	for name, shard := range weightMap {
		if p, ok := c.locations[bareName(name)]; !ok || p.file.name != shard {
			return strict.Unusable("%s: tensor %q is not in shard %s", fileIndex, strict.Clip(name), shard)
		}
	}
	return nil
}

// addFile opens a file of weights and takes its tensors; weightMap, if there is one, must agree.
func (c *Checkpoint) addFile(name string, weightMap map[string]string) error {
	w, err := openWeights(c.fsys, name)
	if err != nil {
		return strict.Unusable("%s: %w", name, err)
	}
	c.files = append(c.files, w)
	list, err := readHeader(w.r, w.size)
	if err != nil {
		return strict.Unusable("%s: %w", name, w.instead(err))
	}
	if len(c.tensors)+len(list) > maxTensors {
		return strict.Unusable("%s: more than %d tensors in all shards", name, maxTensors)
	}
	for _, t := range list {
		stored := t.Name
		t.Name = bareName(t.Name)
		if other, dup := c.locations[t.Name]; dup {
			return strict.Unusable("%s: tensor %q is also in %s", name, strict.Clip(t.Name), other.file.name)
		}
		if weightMap != nil && weightMap[stored] != name {
			return strict.Unusable("%s: holds tensor %q, which %s does not place here", name, strict.Clip(stored), fileIndex)
		}
		t.file = w
		c.add(t)
	}
	return nil
}

// parseIndex reads model.safetensors.index.json: which file holds which tensor. metadata.total_size is not compared with
// the files: writers count a tied matrix once or twice, and the shards' own headers say exactly what they hold.
func parseIndex(data []byte) (weightMap map[string]string, shards []string, err error) {
	if err := strict.Check(data, strict.Limits{Depth: 4, Keys: maxTensors, Items: maxTensors}); err != nil {
		return nil, nil, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, nil, err
	}
	raw, ok := top["weight_map"]
	if !ok {
		return nil, nil, fmt.Errorf("no weight_map")
	}
	if err := json.Unmarshal(raw, &weightMap); err != nil {
		return nil, nil, fmt.Errorf("weight_map is not an object of strings: %w", err)
	}
	if len(weightMap) == 0 {
		return nil, nil, fmt.Errorf("weight_map is empty")
	}
	for tensor, file := range weightMap {
		if err := checkShardName(file); err != nil {
			return nil, nil, fmt.Errorf("weight_map: tensor %q: %w", strict.Clip(tensor), err)
		}
	}
	shards = slices.Compact(slices.Sorted(maps.Values(weightMap)))
	if len(shards) > maxShards {
		return nil, nil, fmt.Errorf("%d shards, at most %d are read", len(shards), maxShards)
	}
	return weightMap, shards, nil
}

// checkShardName lets plain file names through only: a path could name any file of the machine.
func checkShardName(name string) error {
	if strings.ContainsAny(name, "/\\:\x00") || strings.HasPrefix(name, ".") || len(name) > 255 {
		return fmt.Errorf("shard %q is not a plain file name inside the folder", strict.Clip(name))
	}
	if !strings.HasSuffix(name, ".safetensors") {
		return fmt.Errorf("shard %q is not a .safetensors file", strict.Clip(name))
	}
	return nil
}
