package weights

import (
	"muninn/model/checkpoint"
	"muninn/shaders"
	"muninn/shaders/format"
)

// blockFiller brings weights into the device's planes: quants of a row one after another, scales likewise. It quantizes on
// the way what is stored in another form. Buffers are kept from matrix to matrix: fresh memory costs more than the work on it.
type blockFiller struct {
	conv           *checkpoint.Converter
	src            []byte // rows as they are stored
	quants, scales []byte // the same rows on the device
	rows           []rowScratch
}

// rowScratch is one core's room for a row.
type rowScratch struct {
	row, part []float32
	blocks    []byte
	over      int // see filler
}

// fill streams a shard of matrix m, some rows at a time; its first row is row first of the tensor.
func (b *blockFiller) fill(l *Loader, f *filler, m shaders.Matrix, s shaders.Shard, first int) error {
	if b.conv == nil {
		b.conv = checkpoint.NewConverter()
		b.rows = make([]rowScratch, len(b.conv.Scratch))
	}
	stored := f.info.DType
	quants, scales := int64(m.RowBytes()), int64(m.ScaleRowBytes())
	group := max(checkpoint.PieceElements/f.srcCols, 1)
	for row := 0; row < s.Rows; row += group {
		n := min(group, s.Rows-row)
		at := int64(first+row) * int64(f.srcCols)
		b.src = checkpoint.Resized(b.src, stored.Bytes(int64(n)*int64(f.srcCols)))
		b.quants, b.scales = checkpoint.Resized(b.quants, int64(n)*quants), checkpoint.Resized(b.scales, int64(n)*scales)
		if err := l.Ck.ReadAt(f.info.Name, b.src, stored.Bytes(at)); err != nil {
			return err
		}
		if err := f.info.CheckBlocks(b.src, at); err != nil {
			return err
		}
		err := b.conv.Each(n, func(worker, i int) error {
			src := b.src[stored.Bytes(int64(i)*int64(f.srcCols)):][:stored.Bytes(int64(f.srcCols))]
			r, d := &b.rows[worker], b.scales[int64(i)*scales:][:scales]
			err := r.split(f, src, at+int64(i)*int64(f.srcCols), b.quants[int64(i)*quants:][:quants], d)
			r.over = max(r.over, format.LiftHalves(d, s.Lift))
			return err
		})
		if err != nil {
			return err
		}
		if err := l.Dev.Write(s.Span.Slice(uint64(row)*m.RowBytes(), uint64(len(b.quants))), b.quants); err != nil {
			return err
		}
		if err := l.Dev.Write(s.Scales.Slice(uint64(row)*m.ScaleRowBytes(), uint64(len(b.scales))), b.scales); err != nil {
			return err
		}
		l.report(int64(len(b.src)))
	}
	for i := range b.rows {
		f.over = max(f.over, b.rows[i].over)
		b.rows[i].over = 0
	}
	return nil
}

// split brings one row, which begins with element first of the tensor, into the planes. Padding is zero.
func (r *rowScratch) split(f *filler, src []byte, first int64, quants, scales []byte) error {
	clear(quants)
	clear(scales)
	_, bytes := f.to.Block()
	decoded := false
	for _, run := range f.runs {
		blocks := (run.n + format.Block - 1) / format.Block
		whole := run.src%format.Block == 0 && run.n%format.Block == 0
		var stored []byte
		if f.info.DType == f.to && whole {
			stored = src[f.to.Bytes(int64(run.src)):]
		} else {
			if !decoded {
				r.row = checkpoint.Resized(r.row, f.srcCols)
				f.info.DType.Decode(r.row, src)
				decoded = true
			}
			r.part = checkpoint.Resized(r.part, blocks*format.Block)
			clear(r.part[copy(r.part, r.row[run.src:][:run.n]):])
			r.blocks = checkpoint.Resized(r.blocks, blocks*bytes)
			if err := f.info.Encode(r.blocks, f.to, r.part, first+int64(run.src)); err != nil {
				return err
			}
			stored = r.blocks
		}
		each, at := bytes-2, run.dst/format.Block
		for i := range blocks {
			block := stored[i*bytes:][:bytes]
			copy(scales[2*(at+i):], block[:2])
			copy(quants[each*(at+i):], block[2:])
		}
	}
	return nil
}

// plain streams a shard of a format without blocks; its first row is row first of the tensor.
func (l *Loader) plain(f *filler, s shaders.Shard, first int) error {
	return l.Dev.WriteFunc(s.Span, func(off uint64, p []byte) error {
		if err := f.fill(p, first, off); err != nil {
			return err
		}
		switch {
		case f.to == format.BF16 && s.Lift > 0:
			f.over = max(f.over, format.BeyondHalves(p, s.Lift))
		case s.Lift > 0:
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
