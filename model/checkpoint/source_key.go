package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"muninn/model/internal/strict"
)

// Samples of a file of weights that go into its key.
const (
	keySamples   = 64
	keySampleLen = 4096
)

// SourceKey names what the checkpoint holds: a SHA-256, in hex, over
//   - the texts config.json, generation_config.json, tokenizer_config.json and tokenizer.json, whole, and the names, types and
//     shapes of all tensors;
//   - of each safetensors file its name, size, time of last change, header, and 64 samples of 4 KiB evenly spread over it;
//   - of a GGUF file, its header, in which the checksums of all tensors are.
//
// So a file that is written anew has another key, and so has one whose bytes were exchanged under the same time wherever a
// sample falls. Reading all of the weights would take as long as loading them.
func (c *Checkpoint) SourceKey() (string, error) {
	h := sha256.New()
	for _, t := range ggufTextLimits {
		text, err := c.text(t.file, t.limit)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", strict.Unusable("%s: %w", t.file, err)
		}
		fmt.Fprintf(h, "%s %v %d\n", t.file, err == nil, len(text))
		h.Write(text)
	}
	for _, t := range c.tensors {
		fmt.Fprintf(h, "%q %s %v\n", t.Name, t.DType, t.Shape)
	}
	for _, w := range c.files {
		if err := c.hashFile(h, w); err != nil {
			return "", strict.Unusable("%s: %w", w.name, pathCause(err))
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (c *Checkpoint) hashFile(h hash.Hash, w *weightFile) error {
	if c.gguf != nil {
		_, err := io.Copy(h, io.NewSectionReader(w.r, 0, c.gguf.Tensors[0].Offset))
		return err
	}
	info, err := w.f.Stat()
	if err != nil {
		return err
	}
	var length [8]byte
	if err := readFullAt(w.r, length[:], 0); err != nil {
		return err
	}
	header := 8 + int64(binary.LittleEndian.Uint64(length[:]))
	fmt.Fprintf(h, "%s %d %d %d\n", w.name, w.size, info.ModTime().UnixNano(), header)
	if _, err := io.Copy(h, io.NewSectionReader(w.r, 0, header)); err != nil {
		return err
	}
	sample := make([]byte, keySampleLen)
	for i := range int64(keySamples) {
		// The first begins with the data, the last ends with it.
		at := header + max(w.size-header-keySampleLen, 0)/(keySamples-1)*i
		if i == keySamples-1 {
			at = max(w.size-keySampleLen, header)
		}
		p := sample[:min(keySampleLen, w.size-at)]
		if err := readFullAt(w.r, p, at); err != nil {
			return err
		}
		h.Write(p)
	}
	return nil
}

// CachedFrom is the key of what a GGUF file in a cache was made of; empty for other checkpoints.
func (c *Checkpoint) CachedFrom() string {
	if c.gguf == nil {
		return ""
	}
	key, err := c.gguf.Text(keySource, 1024)
	if err != nil {
		return ""
	}
	return key
}
