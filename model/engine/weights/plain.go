package weights

import (
	"muninn/model/checkpoint"
	"muninn/shaders"
	"muninn/shaders/format"
)

// plain streams a shard of a format without blocks; its first row is row first of the tensor.
func (l *Loader) plain(f *filler, s shaders.Shard, first int) error {
	return l.Dev.WriteFunc(s.Span, func(off uint64, p []byte) error {
		if err := f.fill(p, first, off); err != nil {
			return err
		}
		if s.Lift > 0 {
			f.over = max(f.over, format.LiftHalves(p, s.Lift))
		}
		l.report(f.info.DType.Bytes(int64(len(p) / f.to.Size())))
		return nil
	})
}

// filler converts stretches of a tensor to the device's layout.
type filler struct {
	ck      *checkpoint.Checkpoint
	info    checkpoint.TensorInfo
	to      format.Type
	srcCols int
	stride  int // elements in a device row
	runs    []run
	f32     []float32 // scratch for conversion
	over    int       // by how much too large a power of two the halves were multiplied by, of a shard
}

// fill writes device bytes off.. of the matrix whose first row is row first of the tensor.
func (f *filler) fill(p []byte, first int, off uint64) error {
	size := f.to.Size()
	same := f.info.DType == f.to
	if same && len(f.runs) == 1 && f.stride == f.srcCols {
		return f.ck.ReadAt(f.info.Name, p, int64(first)*int64(f.srcCols)*int64(size)+int64(off))
	}
	at := int(off / uint64(size)) // element on the device
	for end := at + len(p)/size; at < end; {
		row, col := at/f.stride, at%f.stride
		n := min(f.stride-col, end-at)
		out := p[:n*size]
		p = p[n*size:]
		clear(out)
		for _, r := range f.runs {
			from, to := max(col, r.dst), min(col+n, r.dst+r.n)
			if from >= to {
				continue
			}
			src := int64(first+row)*int64(f.srcCols) + int64(r.src+from-r.dst)
			if err := f.convert(out[(from-col)*size:(to-col)*size], src, to-from, same); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

func (f *filler) convert(out []byte, elem int64, n int, same bool) error {
	if same {
		return f.ck.ReadAt(f.info.Name, out, elem*int64(f.to.Size()))
	}
	f.f32 = checkpoint.Resized(f.f32, n)
	if err := f.ck.ReadF32(f.info.Name, f.f32, elem); err != nil {
		return err
	}
	return f.info.Encode(out, f.to, f.f32, elem)
}
