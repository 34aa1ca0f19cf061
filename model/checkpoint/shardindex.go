package checkpoint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"muninn/model/arch"
	"muninn/model/internal/strict"
)

// Names of the files of a checkpoint folder, as model hubs have them.
const (
	fileConfig     = arch.FileConfig
	fileGeneration = arch.FileGeneration
	fileTokenizer  = "tokenizer.json"
	fileSingle     = "model.safetensors"
	fileIndex      = "model.safetensors.index.json"

	fileTokenizerConfig = arch.FileTokenizerConfig
	fileSpecialTokens   = arch.FileSpecialTokens
	fileChatTemplate    = arch.FileChatTemplate
)

const (
	maxShards     = 1000
	maxIndexBytes = 16 << 20
)

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
	seen := map[string]bool{}
	for tensor, file := range weightMap {
		if err := checkShardName(file); err != nil {
			return nil, nil, fmt.Errorf("weight_map: tensor %q: %w", strict.Clip(tensor), err)
		}
		if !seen[file] {
			seen[file] = true
			shards = append(shards, file)
		}
	}
	if len(shards) > maxShards {
		return nil, nil, fmt.Errorf("%d shards, at most %d are read", len(shards), maxShards)
	}
	slices.Sort(shards)
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
