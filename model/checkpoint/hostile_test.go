package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muninn/model/arch"
)

// badCase is one bad checkpoint.
type badCase struct {
	Name  string
	Build func(dir string) error // writes the checkpoint into an empty folder
	File  string                 // in that folder, which is given as the model; empty: the folder
	Want  string                 // part of the error message
}

// Path is what is given as the model after Build(dir).
func (c badCase) Path(dir string) string { return filepath.Join(dir, c.File) }

// hostileCases are all bad checkpoints, under distinct names.
func hostileCases() []badCase {
	return slices.Concat(configCases(), headerCases(), tensorCases(), shardCases(), folderCases(), systemCases(), ggufCases())
}

// soundIn writes the small checkpoint that every case is a damaged form of: width 16, 2 heads, MLP 24, vocabulary 32, one
// block in each part, float32.
func soundIn(dir string) error { return sound().write(dir) }

// soundHead is soundIn with the two flags of a tied head as tied says, and the head's own matrix in the file or not.
func soundHead(dir string, tied, held bool) error {
	f := sound()
	f.config["tie_embeddings"], f.config["tie_word_embeddings"] = tied, tied
	if held {
		f.weights.copyOf(*f.weights.find("transformer.wte.weight"), "lm_head.weight")
	}
	return f.write(dir)
}

// folder is a checkpoint before it is written. Texts are written as they are.
type folder struct {
	config     map[string]any
	configText string // instead of config
	generation string
	weights    weights
}

// tensor is one entry of a header and its bytes. The header tells what the fields say, true or not.
type tensor struct {
	name       string
	dtype      string
	shape      string
	begin, end uint64
}

type weights struct {
	tensors []tensor
	data    []byte
	header  string // instead of the header made of tensors
	length  uint64 // instead of the header's length, unless 0
}

const width, heads, inner, vocab = 16, 2, 24, 32

func sound() *folder {
	f := &folder{
		config: map[string]any{
			"model_type": "huginn_raven", "architectures": []string{"RavenForCausalLM"},
			"n_embd": width, "n_heads": heads, "intermediate_size": inner, "vocab_size": vocab, "padded_vocab_size": vocab,
			"n_layers_in_prelude": 1, "n_layers_in_recurrent_block": 1, "n_layers_in_coda": 1,
			"block_size": 16, "mean_recurrence": 4, "rope_base": 50000, "norm_eps": 1e-6,
			"tie_embeddings": true, "bias": false, "qk_bias": true, "injection_type": "linear", "nonlin_name": "SiLU",
			"mlp_class_name": "GatedMLP", "norm_class_name": "RMSNorm_llama", "state_init": "like-init",
		},
		generation: `{"bos_token_id": 1, "eos_token_id": [2, 5], "pad_token_id": 3}`,
	}
	w := &f.weights
	w.add("transformer.wte.weight", vocab, width)
	for _, part := range []string{"prelude", "core_block", "coda"} {
		block := "transformer." + part + ".0."
		for i := 1; i <= 4; i++ {
			w.add(fmt.Sprintf("%snorm_%d.weight", block, i), width)
		}
		w.add(block+"attn.Wqkv.weight", 3*width, width)
		w.add(block+"attn.qk_bias", 2, 1, heads, width/heads)
		w.add(block+"attn.proj.weight", width, width)
		w.add(block+"mlp.fc.weight", 2*inner, width)
		w.add(block+"mlp.proj.weight", width, inner)
	}
	w.add("transformer.adapter.weight", width, 2*width)
	w.add("transformer.ln_f.weight", width)
	return f
}

// add appends a float32 tensor whose elements count up in small steps.
func (w *weights) add(name string, shape ...int) {
	n := 1
	for _, dim := range shape {
		n *= dim
	}
	begin := uint64(len(w.data))
	for i := range n {
		w.data = binary.LittleEndian.AppendUint32(w.data, uint32(0x3f000000+i<<8)) // 0.5 and up
	}
	dims, _ := json.Marshal(shape)
	w.tensors = append(w.tensors, tensor{name, "F32", string(dims), begin, uint64(len(w.data))})
}

// find is the entry of a name; a name that is not there is a mistake in a case.
func (w *weights) find(name string) *tensor {
	for i := range w.tensors {
		if w.tensors[i].name == name {
			return &w.tensors[i]
		}
	}
	panic("hostile: no tensor " + name)
}

func (w *weights) last() *tensor { return &w.tensors[len(w.tensors)-1] }

// cut takes a tensor out, data and all.
func (w *weights) cut(name string) {
	t := *w.find(name)
	w.data = slices.Delete(slices.Clone(w.data), int(t.begin), int(t.end))
	w.tensors = slices.DeleteFunc(w.tensors, func(o tensor) bool { return o.name == name })
	for i := range w.tensors {
		if w.tensors[i].begin >= t.end {
			w.tensors[i].begin -= t.end - t.begin
			w.tensors[i].end -= t.end - t.begin
		}
	}
}

func (t tensor) String() string {
	name, _ := json.Marshal(t.name)
	return fmt.Sprintf(`%s:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, name, t.dtype, t.shape, t.begin, t.end)
}

// bytes is the file.
func (w *weights) bytes() []byte {
	header := w.header
	if header == "" {
		entries := make([]string, len(w.tensors))
		for i, t := range w.tensors {
			entries[i] = t.String()
		}
		header = "{" + strings.Join(entries, ",") + "}"
	}
	length := uint64(len(header))
	if w.length != 0 {
		length = w.length
	}
	var b bytes.Buffer
	b.Write(binary.LittleEndian.AppendUint64(nil, length))
	b.WriteString(header)
	b.Write(w.data)
	return b.Bytes()
}

// write writes everything but a part that is empty.
func (f *folder) write(dir string) error {
	text := []byte(f.configText)
	if f.configText == "" {
		var err error
		if text, err = json.Marshal(f.config); err != nil {
			return err
		}
	}
	if err := put(dir, arch.FileConfig, text); err != nil {
		return err
	}
	if f.generation != "" {
		if err := put(dir, arch.FileGeneration, []byte(f.generation)); err != nil {
			return err
		}
	}
	return put(dir, fileSingle, f.weights.bytes())
}

func put(dir, name string, data []byte) error {
	return os.WriteFile(filepath.Join(dir, name), data, 0o644)
}

// damaged is the sound checkpoint after a change.
func damaged(name, want string, change func(f *folder)) badCase {
	return badCase{Name: name, Want: want, Build: func(dir string) error {
		f := sound()
		f.config = maps.Clone(f.config)
		change(f)
		return f.write(dir)
	}}
}

// replaced is the sound checkpoint, changed as files.
func replaced(name, want string, change func(dir string) error) badCase {
	return badCase{Name: name, Want: want, Build: func(dir string) error {
		if err := soundIn(dir); err != nil {
			return err
		}
		return change(dir)
	}}
}
