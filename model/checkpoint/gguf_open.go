package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/model/internal/strict"
)

// OpenGGUF opens a GGUF file that WriteGGUF made, with the checks that a folder gets. Another architecture gives
// *UnknownArchitectureError, a file of another kind ErrNotGGUF. Every error is of the ErrModel family.
func OpenGGUF(path string) (*Checkpoint, error) {
	w, err := openWeights(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return nil, strict.Unusable("%s: %w; give a GGUF file, or the folder that holds config.json and model.safetensors", path, err)
	}
	w.name = path
	c := &Checkpoint{path: path, files: []*weightFile{w}, locations: map[string]location{}}
	return c.opened(c.openGGUF(w))
}

// ErrNotGGUF says that a file in the place of a model is of another kind.
var ErrNotGGUF = gguf.ErrMagic

func (c *Checkpoint) openGGUF(w *weightFile) error {
	var err error
	if c.gguf, err = gguf.ReadMetadata(w.r, w.size); err != nil {
		if what := w.instead(err); what != err {
			err = fmt.Errorf("%w: %w", ErrNotGGUF, what)
		}
		return err
	}
	if err := checkGGUFArchitecture(c.gguf); err != nil {
		return err
	}
	if err := c.gguf.ReadTensors(); err != nil {
		return err
	}
	sums, err := c.gguf.Checksums()
	if err != nil {
		return fmt.Errorf("%w; re-create it with muninn quantize", err)
	}
	c.sums = &tensorSums{want: sums, running: map[string]runningSum{}}
	for _, t := range c.gguf.Tensors {
		info := TensorInfo{Name: t.Name, DType: t.Type, Bytes: t.Bytes}
		for i := len(t.Dims) - 1; i >= 0; i-- {
			info.Shape = append(info.Shape, int(t.Dims[i]))
		}
		c.add(location{info, w, t.Offset})
	}
	if err := c.open(); err != nil {
		return err
	}
	if were := c.requantized(); were != "" {
		c.Notes = append(c.Notes, fmt.Sprintf("%s: its weights were %s before, and have what that rounded away no more", w.name, were))
	}
	return c.checkHyperparameters()
}

// Name is the name that a GGUF file gives the model; empty for a folder.
func (c *Checkpoint) Name() string { return c.ggufText(keyName) }

// CachedFrom is the key of what a GGUF file in a cache was made of; empty for other checkpoints.
func (c *Checkpoint) CachedFrom() string { return c.ggufText(keySource) }

// requantized is what Requantizes gave when a GGUF file and those before it were made; empty for others.
func (c *Checkpoint) requantized() string { return c.ggufText(keyRequantized) }

// ggufText is a short text of a GGUF file: one that cannot be read is none.
func (c *Checkpoint) ggufText(key string) (text string) {
	if c.gguf != nil {
		text, _ = c.gguf.Text(key, maxNameBytes)
	}
	return text
}

// checkGGUFArchitecture refuses files of other models by name.
func checkGGUFArchitecture(f *gguf.File) error {
	found, err := f.Text("general.architecture", 256)
	if err != nil {
		return strict.Unusable("not a model: %w", err)
	}
	if !slices.ContainsFunc(arch.Families, func(a *arch.Family) bool { return a.Name == found }) {
		return &arch.UnknownArchitectureError{Found: strict.Clip(found), Evidence: "general.architecture in the GGUF file"}
	}
	if _, ok := f.Value(gguf.ChecksumKey); !ok {
		return strict.Unusable("a GGUF file of %s from another program (it has no %s), whose tensors are not laid out as these are; "+
			"make one of the original model with muninn quantize", found, gguf.ChecksumKey)
	}
	return nil
}

// checkHyperparameters compares what other programs read with what this one does.
func (c *Checkpoint) checkHyperparameters() error {
	for _, kv := range hyperparameters(c.Config) {
		var want float64
		switch v := kv.Value.(type) {
		case uint32:
			want = float64(v)
		case float32:
			want = float64(v)
		}
		got, err := c.gguf.Number(kv.Key)
		if err != nil {
			return strict.Unusable("%w: the file is damaged; re-create it with muninn quantize", err)
		}
		if got != want {
			return strict.Unusable("%s is %g, config.json in the file says %g; re-create it with muninn quantize", kv.Key, got, want)
		}
	}
	return nil
}

// tensorSums compares tensors with their checksums as they are read. A tensor that is read from its first byte to its last
// is checked; reads that jump about are not.
type tensorSums struct {
	want    map[string]uint32
	mu      sync.Mutex
	running map[string]runningSum
}

type runningSum struct {
	next int64
	sum  uint32
}

// follow takes the bytes of t that were read at off.
func (s *tensorSums) follow(t TensorInfo, p []byte, off int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.running[t.Name]
	if off == 0 {
		r = runningSum{}
	}
	if off != r.next {
		return nil
	}
	r = runningSum{off + int64(len(p)), gguf.Checksum(r.sum, p)}
	s.running[t.Name] = r
	if r.next == t.Bytes && r.sum != s.want[t.Name] {
		return strict.Unusable("%s: checksum %08x, the file says %08x: the file is damaged; re-create it with muninn quantize", t.Name, r.sum, s.want[t.Name])
	}
	return nil
}
