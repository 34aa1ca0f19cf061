package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/internal/strict"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Loader streams a checkpoint's tensors to the device. No more than one piece of one tensor is on the host at a time.
type Loader struct {
	Ck       *checkpoint.Checkpoint
	Dev      *vk.Device
	Progress func(done, total int64)
	done     int64
	blocks   blockFiller
}

// Load fills a matrix or a vector.
func (l *Loader) Load(f Filling) error {
	if f.vector.IsZero() {
		for i := range f.matrix.Shards {
			if err := l.shard(f, &f.matrix.Shards[i]); err != nil {
				return err
			}
		}
		return nil
	}
	v := slices.Repeat([]float32{1}, int(f.vector.Size()/4))
	if len(f.pieces) == 0 {
		return l.Dev.Write(f.vector, FloatBytes(v))
	}
	if err := l.Ck.ReadF32(f.name(), v, 0); err != nil {
		return err
	}
	return l.Dev.Write(f.vector, FloatBytes(v))
}

// shard streams a shard of a matrix: a second time when its halves are too large for the usual lift.
func (l *Loader) shard(f Filling, s *shaders.Shard) error {
	s.Lift = f.matrix.Format.MostLift()
	asStored := f.matrix.Format == format.BF16
	if asStored && len(l.Dev.Caps().Matrices) > 0 {
		s.Lift = format.MatrixLift
	}
	for {
		over := 0
		err := f.eachRun(*s, func(p arch.Piece, view shaders.Shard, first int) error {
			info, ok := l.Ck.Tensor(p.Name)
			if !ok {
				return strict.Unusable("tensor %s is missing", p.Name)
			}
			x := filler{ck: l.Ck, info: info, to: f.matrix.Format, srcCols: p.Shape[1], stride: f.matrix.Format.Padded(f.layout.cols), runs: f.layout.runs}
			var err error
			if x.to.Blocked() {
				err = l.blocks.fill(l, &x, f.matrix, view, first)
			} else {
				err = l.plain(&x, view, first)
			}
			over = max(over, x.over)
			return err
		})
		if err != nil || over == 0 {
			return l.Ck.Named(err)
		}
		if s.Lift -= over; asStored {
			return nil
		}
	}
}

func (l *Loader) report(n int64) {
	l.done += n
	if l.Progress != nil {
		l.Progress(min(l.done, l.Ck.Size()), l.Ck.Size())
	}
}

// Formats says which format a matrix takes on the device.
type Formats func(arch.TensorSpec) format.Type

// DeviceFormats are the formats that a scheme gives the matrices of a model whose tensors are stored in the given types.
// Where the scheme looks at the values of a tensor to choose between two types of 16 bits, the size is the same: nothing is read.
func DeviceFormats(s checkpoint.Scheme, c arch.Config, stored func(name string) format.Type) Formats {
	return func(spec arch.TensorSpec) format.Type {
		d := s.Expected(c, spec, stored(spec.Name))
		if d == checkpoint.Keep16 {
			return format.F16
		}
		return d
	}
}

// CheckpointFormats are the formats that a scheme gives the matrices of a checkpoint; failed is set by the first that it cannot.
func CheckpointFormats(s checkpoint.Scheme, ck *checkpoint.Checkpoint, failed *error) Formats {
	return func(spec arch.TensorSpec) format.Type {
		d, err := s.Format(ck, spec)
		if err != nil && *failed == nil {
			*failed = loading(spec.Name, ck.Named(err))
		}
		return d
	}
}

// loading names the tensor in an error of loading it; one about the checkpoint has its name.
func loading(name string, err error) error {
	if errors.Is(err, checkpoint.ErrModel) {
		return err
	}
	return fmt.Errorf("model: loading %s: %w", name, err)
}

// FloatBytes is v as the device has it.
func FloatBytes(v []float32) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, v) // of fixed size
	return b
}

// BytesToFloats is the opposite of FloatBytes.
func BytesToFloats(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	_, _ = binary.Decode(b, binary.LittleEndian, v) // of fixed size, and there
	return v
}
