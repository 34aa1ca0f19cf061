package model

import (
	"encoding/binary"
	"fmt"
	"math"

	"muninn/shaders"
	"muninn/vk"
)

// block is one transformer block's weights on the device. d = NEmbd, H x h = NHeads x HeadDim, m = IntermediateSize.
type block struct {
	Norm1, Norm2, Norm3, Norm4 vk.Span        // (d) float32
	Wqkv                       shaders.Matrix // (3d, d): all q heads, all k heads, all v heads
	QKBias                     vk.Span        // (2, H, h) float32: q, k; zero without qk_bias
	AttnProj                   shaders.Matrix // (d, d)
	Gate, Up                   shaders.Matrix // (m, d) each: the halves of mlp.fc
	MLPProj                    shaders.Matrix // (d, m)
}

// weights are a model's weights on the device.
type weights struct {
	WTE         shaders.Matrix // (vocabulary, d)
	Prelude     []block
	Core        []block
	Coda        []block
	Adapter     shaders.Matrix // (d, 2 Padded(d)): the state's columns, then the embeds'
	AdapterBias vk.Span        // (d) float32; zero without bias
	LnF         vk.Span        // (d) float32, used after the recurrence and after the coda
	LMHead      shaders.Matrix // (vocabulary, d); WTE itself when tied
	Rope        vk.Span        // (block_size, h/2, 2) float32: cos, sin
}

// loader streams a checkpoint's tensors to the device. The first error sticks.
type loader struct {
	ck       *Checkpoint
	dev      *vk.Device
	arena    *vk.Arena
	format   func(stored DType) shaders.Format
	progress func(done, total int64)
	done     int64
	err      error
}

// loadWeights copies every tensor to the device. No more than one piece of one tensor is on the host at a time.
func loadWeights(l *loader) weights {
	c := l.ck.Config
	w := weights{
		WTE:     l.matrix("transformer.wte.weight", 0, c.PaddedVocabSize, wholeRow(c.NEmbd)),
		Prelude: l.blocks("prelude", c.NLayersInPrelude),
		Core:    l.blocks("core_block", c.NLayersInRecurrentBlock),
		Coda:    l.blocks("coda", c.NLayersInCoda),
		Adapter: l.matrix("transformer.adapter.weight", 0, c.NEmbd, twoHalves(c.NEmbd)),
		LnF:     l.vector("transformer.ln_f.weight", c.NEmbd),
		Rope:    l.rope(),
	}
	if c.Bias {
		w.AdapterBias = l.vector("transformer.adapter.bias", c.NEmbd)
	}
	w.LMHead = w.WTE
	if !c.TieEmbeddings {
		w.LMHead = l.matrix("lm_head.weight", 0, c.PaddedVocabSize, wholeRow(c.NEmbd))
	}
	return w
}

func (l *loader) blocks(part string, n int) []block {
	c := l.ck.Config
	d, m := c.NEmbd, c.IntermediateSize
	blocks := make([]block, n)
	for i := range blocks {
		p := fmt.Sprintf("transformer.%s.%d.", part, i)
		blocks[i] = block{
			Norm1:    l.vector(p+"norm_1.weight", d),
			Norm2:    l.vector(p+"norm_2.weight", d),
			Norm3:    l.vector(p+"norm_3.weight", d),
			Norm4:    l.vector(p+"norm_4.weight", d),
			Wqkv:     l.matrix(p+"attn.Wqkv.weight", 0, 3*d, wholeRow(d)),
			AttnProj: l.matrix(p+"attn.proj.weight", 0, d, wholeRow(d)),
			Gate:     l.matrix(p+"mlp.fc.weight", 0, m, wholeRow(d)),
			Up:       l.matrix(p+"mlp.fc.weight", m, m, wholeRow(d)),
			MLPProj:  l.matrix(p+"mlp.proj.weight", 0, d, wholeRow(m)),
		}
		if c.QKBias {
			blocks[i].QKBias = l.vector(p+"attn.qk_bias", 2*d)
		}
	}
	return blocks
}

// run is a stretch of a weight row: n elements from column src of the file to column dst on the device.
type run struct{ dst, src, n int }

func wholeRow(cols int) []run { return []run{{0, 0, cols}} }

// twoHalves pads either half of the adapter's columns on its own, as the state and the embeds are padded.
func twoHalves(d int) []run { return []run{{0, 0, d}, {shaders.Padded(d), d, d}} }

// matrix streams rows row0.. of a tensor.
func (l *loader) matrix(name string, row0, rows int, runs []run) shaders.Matrix {
	if l.err != nil {
		return shaders.Matrix{}
	}
	info, ok := l.ck.Tensor(name)
	if !ok {
		l.err = fmt.Errorf("%w: tensor %s is missing", ErrModel, name)
		return shaders.Matrix{}
	}
	last := runs[len(runs)-1]
	cols, srcCols := last.dst+last.n, last.src+last.n
	if len(runs) > 1 {
		cols = len(runs) * runs[1].dst // the padding of the last run counts too
	}
	m, err := shaders.NewMatrix(l.arena, rows, cols, l.format(info.DType), l.dev.Caps().ShardLimit())
	if err != nil {
		l.err = err
		return m
	}
	f := filler{ck: l.ck, name: name, stored: info.DType, to: m.Format, srcCols: srcCols, stride: m.Format.Padded(cols), runs: runs}
	for _, s := range m.Shards {
		first := row0 + s.Row0
		err := l.dev.WriteFunc(s.Span, func(off uint64, p []byte) error {
			if err := f.fill(p, first, off); err != nil {
				return err
			}
			l.report(int64(len(p)) * int64(info.DType.Size()) / int64(m.Format.Bytes(1)))
			return nil
		})
		if err != nil {
			l.err = fmt.Errorf("model: loading %s: %w", name, err)
			return m
		}
	}
	return m
}

// filler converts stretches of a tensor to the device's layout.
type filler struct {
	ck      *Checkpoint
	name    string
	stored  DType
	to      shaders.Format
	srcCols int
	stride  int // elements in a device row
	runs    []run
	f32     []float32 // scratch for conversion
}

// fill writes device bytes off.. of the matrix whose first row is row first of the tensor.
func (f *filler) fill(p []byte, first int, off uint64) error {
	size := f.to.Bytes(1)
	same := f.stored == storedAs(f.to)
	if same && len(f.runs) == 1 && f.stride == f.srcCols {
		return f.ck.ReadAt(f.name, p, int64(first)*int64(f.srcCols)*int64(size)+int64(off))
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
		return f.ck.ReadAt(f.name, out, elem*int64(f.stored.Size()))
	}
	if cap(f.f32) < n {
		f.f32 = make([]float32, n)
	}
	v := f.f32[:n]
	if err := f.ck.ReadF32(f.name, v, elem); err != nil {
		return err
	}
	storedAs(f.to).Encode(out, v)
	return nil
}

// storedAs is the checkpoint's name for a device format.
func storedAs(f shaders.Format) DType {
	return [...]DType{shaders.F32: F32, shaders.F16: F16, shaders.BF16: BF16}[f]
}

// asStored keeps a tensor in the type of its file.
func asStored(stored DType) shaders.Format {
	switch stored {
	case F16:
		return shaders.F16
	case BF16:
		return shaders.BF16
	}
	return shaders.F32
}

// vector copies a small tensor of n elements as float32.
func (l *loader) vector(name string, n int) vk.Span {
	if l.err != nil {
		return vk.Span{}
	}
	v := make([]float32, n)
	if err := l.ck.ReadF32(name, v, 0); err != nil {
		l.err = err
		return vk.Span{}
	}
	return l.upload(name, v)
}

func (l *loader) upload(name string, v []float32) vk.Span {
	if l.err != nil {
		return vk.Span{}
	}
	s, err := l.arena.Alloc(uint64(len(v)) * 4)
	if err == nil {
		err = l.dev.Write(s, floatBytes(v))
	}
	if err != nil {
		l.err = fmt.Errorf("model: loading %s: %w", name, err)
	}
	return s
}

// rope is the table of angles position * base^(-2i/h), computed in float64: the file's copy is rounded more.
func (l *loader) rope() vk.Span {
	c := l.ck.Config
	table := make([]float32, 0, c.BlockSize*c.HeadDim)
	for pos := range c.BlockSize {
		for i := range c.HeadDim / 2 {
			sin, cos := math.Sincos(float64(pos) * math.Pow(c.RopeBase, -2*float64(i)/float64(c.HeadDim)))
			table = append(table, float32(cos), float32(sin))
		}
	}
	return l.upload("the rope table", table)
}

func (l *loader) report(n int64) {
	l.done += n
	if l.progress != nil {
		l.progress(min(l.done, l.ck.Size()), l.ck.Size())
	}
}

func floatBytes(v []float32) []byte {
	b := make([]byte, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(x))
	}
	return b
}

func bytesToFloats(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}
