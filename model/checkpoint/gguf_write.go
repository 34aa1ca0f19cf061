package checkpoint

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"muninn/model/arch"
	"muninn/model/checkpoint/gguf"
	"muninn/shaders/format"
)

// WriteOptions say what a GGUF file is made with.
type WriteOptions struct {
	Scheme   Scheme
	Name     string                  // general.name
	Source   string                  // key of what it was made of, as SourceKey gives it; empty: not kept
	Begin    func(size int64)        // told how long the file will be, once the disk has room for it; nil: nobody asks
	Progress func(done, total int64) // bytes of the checkpoint
}

// keySource is where a file of the cache has the key of what it was made of.
const keySource = "muninn.source"

// keyRequantized is where a file has the formats of blocks that its weights had before, the oldest first.
const keyRequantized = "muninn.requantized_from"

// pieceElements is how much of a tensor is on the host at a time: 4 Mi elements.
const PieceElements = 4 << 20

// WriteGGUF writes the checkpoint to a GGUF file with its tensors in the scheme's formats: all of it or nothing, and always
// the same bytes. A file at path is replaced. A full disk is a gguf.ErrNoSpace.
func WriteGGUF(ctx context.Context, ck *Checkpoint, path string, o WriteOptions) (err error) {
	j, err := jobGGUF(ck, o)
	if err != nil {
		return err
	}
	w, err := gguf.Create(path, j.meta, j.entries)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	defer w.Abort()
	if o.Begin != nil {
		o.Begin(w.Size())
	}
	if err := j.stream(ctx, ck, w, o.Progress); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// WriteCause says why the file at path cannot be written.
func WriteCause(path string, err error) error { return gguf.Cause(path, err) }

// piece is a stretch of a tensor on its way. Its buffers are used again: fresh memory costs more than the work on it.
type piece struct {
	tensor   int
	off      int64
	src, dst []byte
}

// stream reads, converts and writes piece by piece, the three at the same time.
func (j *ggufJob) stream(ctx context.Context, ck *Checkpoint, w io.Writer, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free, read, converted := make(chan *piece, 3), make(chan *piece), make(chan *piece)
	for range cap(free) {
		free <- &piece{}
	}
	// hand passes a piece on; false when the work has ended early.
	hand := func(to chan *piece, p *piece) bool {
		select {
		case to <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	var group sync.WaitGroup
	group.Go(func() {
		defer close(read)
		for i, info := range j.tensors {
			for off, size := int64(0), info.DType.Bytes(PieceElements); off < info.Bytes; off += size {
				var p *piece
				select {
				case p = <-free:
				case <-ctx.Done():
					return
				}
				p.tensor, p.off, p.src = i, off, Resized(p.src, min(size, info.Bytes-off))
				if err := ck.ReadAt(info.Name, p.src, off); err != nil {
					cancel(err)
					return
				}
				if !hand(read, p) {
					return
				}
			}
		}
	})
	group.Go(func() {
		defer close(converted)
		conv := NewConverter()
		for p := range read {
			info, to := j.tensors[p.tensor], j.formats[p.tensor]
			p.dst = Resized(p.dst, to.Bytes(info.DType.Elements(int64(len(p.src)))))
			if err := conv.convert(p.dst, to, p.src, info, info.DType.Elements(p.off)); err != nil {
				cancel(ck.Named(err))
				return
			}
			if !hand(converted, p) {
				return
			}
		}
	})
	var done int64
	for p := range converted {
		if ctx.Err() != nil {
			break
		}
		if _, err := w.Write(p.dst); err != nil {
			cancel(fmt.Errorf("model: %w", err))
			break
		}
		if done += int64(len(p.src)); progress != nil {
			progress(done, j.read)
		}
		free <- p
	}
	err := context.Cause(ctx)
	cancel(nil)
	group.Wait()
	return err
}

// ggufJob is a file that is to be written.
type ggufJob struct {
	meta    []gguf.KV
	entries []gguf.Tensor
	tensors []TensorInfo // what each is made of
	formats []format.Type
	read    int64 // bytes of tensors
}

func jobGGUF(ck *Checkpoint, o WriteOptions) (ggufJob, error) {
	var j ggufJob
	for _, spec := range ck.Config.TensorSpecs() {
		info, ok := ck.Tensor(spec.Name)
		if !ok || spec.Part == arch.PartHead && ck.Config.TieEmbeddings {
			continue // a tied head is stored once, as the embedding
		}
		to, err := o.Scheme.Format(ck, spec)
		if err != nil {
			return j, err
		}
		to = inFile(to, info.DType, ck.Config, spec)
		entry := gguf.Tensor{Name: info.Name, Type: to}
		for _, dim := range slices.Backward(info.Shape) {
			entry.Dims = append(entry.Dims, uint64(dim))
		}
		j.entries, j.tensors, j.formats = append(j.entries, entry), append(j.tensors, info), append(j.formats, to)
		j.read += info.Bytes
	}
	var err error
	if j.meta, err = ggufMetadata(ck, o.Name, fileType(j.tensors, j.formats)); err != nil {
		return j, err
	}
	from, err := o.Scheme.Requantizes(ck)
	if err != nil {
		return j, err
	}
	if were := ck.requantized(); were != "" && from != "" {
		from = were + ", then " + from
	} else if from == "" {
		from = were
	}
	if from != "" {
		j.meta = append(j.meta, gguf.KV{Key: keyRequantized, Value: from})
	}
	if o.Source != "" {
		j.meta = append(j.meta, gguf.KV{Key: keySource, Value: o.Source})
	}
	return j, nil
}

// fileType is GGUF's number for the format that most weights have.
func fileType(tensors []TensorInfo, formats []format.Type) uint32 {
	count := map[format.Type]int64{}
	for i, t := range tensors {
		count[formats[i]] += t.DType.Elements(t.Bytes)
	}
	most, number := int64(-1), uint32(0)
	for _, f := range []struct {
		d      format.Type
		number uint32
	}{{format.F32, 0}, {format.F16, 1}, {format.BF16, 32}, {format.Q8_0, 7}, {format.Q4_0, 2}} {
		if count[f.d] > most {
			most, number = count[f.d], f.number
		}
	}
	return number
}

// Resized is a buffer of n elements in the memory of p, if that has room. What it holds is anything.
func Resized[T any, N ~int | ~int64](p []T, n N) []T {
	if cap(p) < int(n) {
		return make([]T, n)
	}
	return p[:n]
}
