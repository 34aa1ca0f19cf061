package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/nlpodyssey/safetensors"

	"muninn/shaders/format"
)

// topic is a folder of golden data and how its cases are read.
type topic struct {
	name  string
	parse func(raw json.RawMessage) (goldenCase, error)
	bare  bool // its files may name no checkpoints
}

var topics = []topic{
	{"forward", parseAs[forwardCase], false},
	{"decode", parseAs[decodeCase], false},
	{"generate", parseAs[generateCase], false},
	{"exit", parseAs[exitCase], false},
	{"speculative", parseAs[speculativeCase], false},
	{"diffusion", parseAs[*diffusionCase], false},
	{"sampling", parseAs[samplingCase], true},
	{"relatives", parseAs[forwardCase], false},
	{"ouro", parseAs[*familyCase], false},
	{"hrm", parseAs[*familyCase], false},
	{"retro", parseAs[*familyCase], false},
	{"nanbeige", parseAs[*familyCase], false},
	{"tokenizers", parseAs[*tokenizerCase], true},
	{"chat", parseAs[*chatCase], true},
	{"text", parseAs[*chatCase], false},
	{"config", parseAs[configCase], true},
}

// goldenCase is one case of a topic. run compares what m computes with the file's tensors, and may end early by need, must
// or fatalf; m is nil in a file without checkpoints, which bare topics have.
type goldenCase interface {
	title() string
	run(m *loaded, t tensors, c *check)
}

func parseAs[T goldenCase](raw json.RawMessage) (goldenCase, error) {
	var c T
	err := json.Unmarshal(raw, &c)
	return c, err
}

func topicNames() string { return joinTopics(topics) }

// chooseTopics finds the topics by name, or without names those that the folder has.
func chooseTopics(dir string, names []string) ([]topic, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return nil, fmt.Errorf("goldens: %s is not a folder; --dir takes one that holds models/ and topics", dir)
	}
	var list []topic
	for _, name := range names {
		i := slices.IndexFunc(topics, func(t topic) bool { return t.name == name })
		if i < 0 {
			return nil, fmt.Errorf("goldens: unknown topic %q; known: %s", name, topicNames())
		}
		list = append(list, topics[i])
	}
	if len(names) == 0 {
		for _, t := range topics {
			if _, err := os.Stat(filepath.Join(dir, t.name)); err == nil {
				list = append(list, t)
			}
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("goldens: %s has none of the topics %s", dir, topicNames())
		}
	}
	return list, nil
}

// unknownTopics are the folders with cases that are no topic.
func unknownTopics(dir string) (names []string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.json")) // the pattern is well formed
	for _, f := range files {
		name := filepath.Base(filepath.Dir(f))
		if !slices.Contains(names, name) && !slices.ContainsFunc(topics, func(t topic) bool { return t.name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// goldenFile is NAME.json.
type goldenFile struct {
	Model       string
	Checkpoints []string
	Checkpoint  string          // of topic text
	Encode      json.RawMessage // of a tokenizer, whose file is one case
	Cases       []json.RawMessage
	Extras      []int32 `json:"extra_tokens_cycle"`
	Tensors     string  // the file of arrays beside it; empty: none
	raw         []byte
	path        string
}

// readFile reads NAME.json and its arrays.
func readFile(path string) (goldenFile, tensors, error) {
	var f goldenFile
	text, err := os.ReadFile(path)
	if err != nil {
		return f, nil, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, nil, fmt.Errorf("%s: %w", path, err)
	}
	f.raw, f.path = text, path
	if f.Checkpoint != "" {
		f.Checkpoints = append(f.Checkpoints, f.Checkpoint)
	}
	if f.Encode != nil {
		f.Cases = []json.RawMessage{text}
	}
	if len(f.Cases) == 0 {
		return f, nil, fmt.Errorf("%s: no cases", path)
	}
	if f.Tensors == "" {
		return f, nil, nil
	}
	if !filepath.IsLocal(f.Tensors) {
		return f, nil, fmt.Errorf("%s: tensors is %q, want a file beside it", path, f.Tensors)
	}
	t, err := readTensors(filepath.Join(filepath.Dir(path), f.Tensors))
	return f, t, err
}

// tensors are a file's float32 arrays by name, cut in rows along their last axis.
type tensors map[string][][]float32

func readTensors(path string) (tensors, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := safetensors.Deserialize(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all := tensors{}
	for _, t := range file.Tensors() {
		shape, data := t.TensorView.Shape(), t.TensorView.Data()
		if t.TensorView.DType() != safetensors.F32 || len(shape) == 0 || len(data) == 0 {
			return nil, fmt.Errorf("%s: tensor %s is %s of shape %v, want rows of F32", path, t.Name, t.TensorView.DType(), shape)
		}
		values := make([]float32, len(data)/4)
		format.F32.Decode(values, data)
		all[t.Name] = slices.Collect(slices.Chunk(values, int(shape[len(shape)-1])))
	}
	return all, nil
}

// get finds a tensor that must have the given number of rows (0: any) of cols values.
func (ts tensors) get(name string, rows, cols int) ([][]float32, error) {
	t, ok := ts[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("the file has no tensor %q", name)
	case len(t[0]) != cols || rows != 0 && len(t) != rows:
		return nil, fmt.Errorf("tensor %q has shape [%d %d], want %d rows of %d", name, len(t), len(t[0]), rows, cols)
	}
	return t, nil
}

// batch is token ids by sequence. A plain list in the json is a batch of one.
type batch [][]int32

func (b *batch) UnmarshalJSON(raw []byte) error {
	var one []int32
	if err := json.Unmarshal(raw, &one); err == nil {
		*b = batch{one}
		return nil
	}
	return json.Unmarshal(raw, (*[][]int32)(b))
}

// check says whether the batch is a rectangle with something in it.
func (b batch) check(what string) error {
	if len(b) == 0 || len(b[0]) == 0 {
		return fmt.Errorf("the case has no %s", what)
	}
	for _, seq := range b {
		if len(seq) != len(b[0]) {
			return fmt.Errorf("%s of different lengths in one batch", what)
		}
	}
	return nil
}
