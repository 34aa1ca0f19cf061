// Package checkpoint turns files into named tensors: safetensors and shards, GGUF, conversions, and what is wrong with a file.
package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

const (
	maxConfigBytes    = 1 << 20
	maxTokenizerBytes = 64 << 20
)

// ErrModel is in the chain of every error that means "this checkpoint cannot be used": damaged, inconsistent, of an
// unknown architecture, or simply not there.
var ErrModel = strict.ErrUnusable

// Checkpoint is an open folder as model hubs have them: config.json, weights in safetensors, one file or shards; or a GGUF
// file of ours, which holds the same. The headers are read and checked against Config; data is read where it is asked
// for, so host memory stays small. Methods may be called at the same time, Close last.
type Checkpoint struct {
	Config     arch.Config
	Generation arch.Generation
	Chat       *arch.ChatForm // nil when the family has none
	Notes      []string       // what the user should know about the files: values passed over, fields that contradict each other

	path      string      // as it was given; empty for an embedded one
	shapes    bool        // no weights are needed
	headers   bool        // of the weights, and no more, is read
	fsys      fs.FS       // nil for a GGUF file
	root      *os.Root    // nil unless links are kept inside the folder
	gguf      *gguf.File  // nil for a folder
	sums      *tensorSums // of a GGUF file's tensors
	files     []*weightFile
	narrow    sync.Map     // name of a float32 tensor: the type of 16 bit that holds its values, once known
	tensors   []TensorInfo // in order of the files and of the data in them
	locations map[string]location
	size      int64
}

// location is where a tensor's bytes are.
type location struct {
	TensorInfo
	file  *weightFile
	start int64 // from the file's first byte
}

func (c *Checkpoint) add(t location) {
	c.locations[t.Name] = t
	c.tensors = append(c.tensors, t.TensorInfo)
	c.size += t.Bytes
}

// OpenFolder opens the checkpoint in folder dir, which may be a link. Links in it are followed, out of the folder too where it
// is the user's own; in a hub cache those between snapshots and blobs always. Every error is of the ErrModel family.
func OpenFolder(dir string) (*Checkpoint, error) { return openDir(dir, false) }

// OpenShapes is OpenPath for what needs the shapes and formats of the weights alone: where a folder has none, its notes say so, all
// count as bf16, and none can be read.
func OpenShapes(path string) (*Checkpoint, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openDir(path, true)
	}
	return OpenPath(path)
}

func openDir(dir string, shapes bool) (*Checkpoint, error) {
	path, err := resolve(dir)
	if err != nil {
		return nil, strict.Unusable("checkpoint folder %s: %w; give the folder that holds config.json and model.safetensors",
			dir, pathCause(err))
	}
	fsys, root, err := openFolder(path)
	if err != nil {
		return nil, strict.Unusable("checkpoint folder %s: %w", dir, pathCause(err))
	}
	c := &Checkpoint{path: dir, shapes: shapes, fsys: fsys, root: root, locations: map[string]location{}}
	if err = c.open(); errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoWeights) {
		err = fmt.Errorf("%w%s", err, leftover(path))
	}
	return c.opened(err)
}

// opened is the checkpoint, or closes it where opening it failed.
func (c *Checkpoint) opened(err error) (*Checkpoint, error) {
	if err != nil {
		c.Close()
		return nil, c.Named(strict.Unusable("%w", err))
	}
	return c, nil
}

// Named puts the path of the checkpoint, as it was given, before an error about it that does not begin so.
func (c *Checkpoint) Named(err error) error {
	if c.path == "" || !errors.Is(err, ErrModel) || strings.HasPrefix(err.Error(), "model: "+c.path+": ") {
		return err
	}
	return strict.Unusable("%s: %w", c.path, err)
}

// OpenPath opens the checkpoint in a folder, or a GGUF file that WriteGGUF made.
func OpenPath(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return OpenFolder(path)
	}
	if strings.HasSuffix(path, ".safetensors") {
		return nil, strict.Unusable("%s: weights without their config; give the folder %s", path, filepath.Dir(path))
	}
	return OpenGGUF(path)
}

// OpenFS opens the checkpoint at the top of a file system, such as an embedded one.
func OpenFS(fsys fs.FS) (*Checkpoint, error) {
	c := &Checkpoint{fsys: fsys, locations: map[string]location{}}
	return c.opened(c.open())
}

// OpenHeaders is OpenFS for files that are far away: of the weights the headers alone are read and checked.
func OpenHeaders(fsys fs.FS) (*Checkpoint, error) {
	c := &Checkpoint{fsys: fsys, headers: true, locations: map[string]location{}}
	return c.opened(c.open())
}

func (c *Checkpoint) open() error {
	data, err := c.text(arch.FileConfig)
	if err != nil {
		return err
	}
	if data == nil {
		return strict.Unusable("%s: %w; give the folder that holds it and the weights", arch.FileConfig, fs.ErrNotExist)
	}
	files := sync.OnceValue(c.openFiles)
	has := func(tensor string) bool { return files() == nil && c.holds(tensor) }
	if c.Config, c.Notes, err = arch.ParseConfig(data, has); err != nil {
		return err
	}
	if err := files(); err != nil {
		if c.shapes && errors.Is(err, ErrNoWeights) {
			c.invent()
			return nil
		}
		return err
	}
	checks := []func() error{c.checkTensors, c.checkZeros, c.compareTied, c.openTexts}
	if c.headers {
		checks = []func() error{c.checkTensors, c.openTexts}
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// invent lists the tensors that the config asks for.
func (c *Checkpoint) invent() {
	c.Notes = append(c.Notes, c.path+" has no weights; planned with all of them in bf16")
	for _, spec := range c.Config.TensorSpecs() {
		if !spec.Optional {
			n := 1
			for _, dim := range spec.Shape {
				n *= dim
			}
			c.add(location{TensorInfo: TensorInfo{spec.Name, format.BF16, spec.Shape, format.BF16.Bytes(int64(n))}})
		}
	}
}

// openTexts reads what stands beside the weights on how to use the model.
func (c *Checkpoint) openTexts() (err error) {
	rows, texts := c.Config.PaddedVocabSize, map[string][]byte{}
	for _, t := range textFiles {
		if t.name == fileTokenizer {
			continue // large, and read when it is asked for
		}
		if texts[t.name], err = c.text(t.name); err != nil {
			return err
		}
	}
	g, notes := c.Config.Family.Generation(rows), []string(nil)
	if data := texts[arch.FileGeneration]; data != nil {
		g, notes = arch.ParseGeneration(data, rows)
	}
	c.Generation = g.WithStops(texts, rows)
	c.Notes = append(c.Notes, notes...)
	c.Chat, notes = c.Config.Family.ChatForm(texts)
	c.Notes = append(c.Notes, notes...)
	return nil
}

// textFile is one of the small files beside the weights, and the key under which a GGUF file has it, as it is.
type textFile struct {
	name, key string
	limit     int64 // bytes that are read at most
}

// textFiles are in the order in which they are written to a GGUF file.
var textFiles = []textFile{
	{arch.FileConfig, "muninn.config.json", maxConfigBytes},
	{arch.FileGeneration, "muninn.generation_config.json", maxConfigBytes},
	{arch.FileTokenizerConfig, "muninn.tokenizer_config.json", maxConfigBytes},
	{arch.FileSpecialTokens, "muninn.special_tokens_map.json", maxConfigBytes},
	{arch.FileChatTemplate, "tokenizer.chat_template", maxConfigBytes}, // where other programs look for it
	{fileTokenizer, "tokenizer.huggingface.json", maxTokenizerBytes},
}

// text reads a text; nil if there is none.
func (c *Checkpoint) text(name string) (text []byte, err error) {
	t := textFiles[slices.IndexFunc(textFiles, func(t textFile) bool { return t.name == name })]
	if c.gguf == nil {
		text, err = readSmall(c.fsys, name, t.limit)
	} else if _, ok := c.gguf.Value(t.key); ok {
		var s string
		s, err = c.gguf.Text(t.key, t.limit)
		text = []byte(s)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, strict.Unusable("%s: %w", name, err)
	}
	return text, nil
}

// compareTied looks at a tied head that the file holds a second time. Reading both matrices whole would double the time
// to open; a few rows tell a true copy from another matrix. The copy is not used: wte is.
func (c *Checkpoint) compareTied() error {
	table := c.Config.TensorSpecs()
	embedding, head := table.Pieces(arch.PartEmbedding, 0, arch.RoleEmbedding), table.Pieces(arch.PartHead, 0, arch.RoleHead)
	if len(embedding) == 0 || len(head) == 0 || !c.holds(head[0].Name) || !c.Config.TieEmbeddings {
		return nil
	}
	rows, d := int64(c.Config.PaddedVocabSize), int64(c.Config.NEmbd)
	a, b := make([]float32, d), make([]float32, d)
	for _, row := range []int64{0, rows / 4, rows / 2, rows / 4 * 3, rows - 1} {
		if err := c.ReadF32(embedding[0].Name, a, row*d); err != nil {
			return err
		}
		if err := c.ReadF32(head[0].Name, b, row*d); err != nil {
			return err
		}
		if !slices.Equal(a, b) {
			return strict.Unusable("%s: row %d differs from %s although tie_embeddings is true", head[0].Name, row, embedding[0].Name)
		}
	}
	return nil
}

// Tensors lists what the files hold, in the order of the data.
func (c *Checkpoint) Tensors() []TensorInfo { return slices.Clone(c.tensors) }

// Tensor looks a tensor up by name.
func (c *Checkpoint) Tensor(name string) (TensorInfo, bool) {
	p, ok := c.locations[name]
	return p.TensorInfo, ok
}

func (c *Checkpoint) holds(name string) bool {
	_, ok := c.locations[name]
	return ok
}

// Size is the number of bytes of all tensors.
func (c *Checkpoint) Size() int64 { return c.size }

// Close closes the files.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, w := range c.files {
		errs = append(errs, w.f.Close())
	}
	c.files = nil
	if c.root != nil {
		errs = append(errs, c.root.Close())
		c.root = nil
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("model: closing the checkpoint: %w", err)
	}
	return nil
}
