package checkpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// SourceKey names what the checkpoint holds, whatever its files are called: a SHA-256, in hex, over the texts beside the
// weights and what WeightsKey gives.
func (c *Checkpoint) SourceKey(weights string) (string, error) {
	h := sha256.New()
	for _, t := range textFiles {
		text, err := c.text(t.name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %v %d\n%s", t.name, text != nil, len(text), text)
	}
	fmt.Fprintf(h, "weights %s\n", weights)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// WeightsKey is a SHA-256, in hex, over name, type, shape and every byte of all tensors, in order of the names. Of a GGUF file
// only the header is read, which has a checksum of each tensor; of a folder everything: progress, unless nil, is told how much.
func (c *Checkpoint) WeightsKey(ctx context.Context, progress func(done, total int64)) (string, error) {
	h := sha256.New()
	if c.gguf != nil {
		_, err := io.Copy(h, io.NewSectionReader(c.files[0].r, 0, c.gguf.Tensors[0].Offset))
		return hex.EncodeToString(h.Sum(nil)), err
	}
	tensors := c.Tensors()
	slices.SortFunc(tensors, func(a, b TensorInfo) int { return strings.Compare(a.Name, b.Name) })
	buf, done := make([]byte, 4<<20), int64(0)
	for _, t := range tensors {
		fmt.Fprintf(h, "%q %s %v\n", t.Name, t.DType, t.Shape)
		for off := int64(0); off < t.Bytes; off += int64(len(buf)) {
			p := buf[:min(int64(len(buf)), t.Bytes-off)]
			if err := c.ReadAt(t.Name, p, off); err != nil {
				return "", err
			}
			h.Write(p)
			if done += int64(len(p)); progress != nil {
				progress(done, c.size)
			}
			if ctx.Err() != nil {
				return "", context.Cause(ctx)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Identity names the files of weights and their state without reading them: device, inode, size and the times of the last
// change of content and of inode, where the system has those. It changes with every write through the file system, whatever
// sets the time of a file back. Unnoticed goes what happens below the file system or while the machine's clock is set back,
// and, on systems without inodes, a change under the same size and time. Empty means that the files cannot be told so: they are
// embedded, or changed within the last two seconds, in which one time may stand for two states.
func (c *Checkpoint) Identity() string {
	var b strings.Builder
	for _, w := range c.files {
		state, ok := fileState(w.f)
		if !ok {
			return ""
		}
		fmt.Fprintf(&b, "%q %s\n", w.name, state)
	}
	return b.String()
}
