package engine

import (
	"encoding/binary"
	"fmt"
	"math"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders"
	"muninn/shaders/format"
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
	config   arch.Config
	ck       *checkpoint.Checkpoint // nil: random weights
	dev      *vk.Device
	arena    *vk.Arena
	scheme   checkpoint.Scheme
	specs    map[string]arch.TensorSpec
	progress func(done, total int64)
	done     int64
	blocks   blockFiller
	err      error
}

// loadWeights copies every tensor to the device. No more than one piece of one tensor is on the host at a time.
func loadWeights(l *loader) weights {
	c := l.config
	l.specs = map[string]arch.TensorSpec{}
	for _, spec := range c.TensorSpecs() {
		l.specs[spec.Name] = spec
	}
	w := weights{
		WTE:     l.matrix("transformer.wte.weight", 0, c.PaddedVocabSize, wholeRow(c.NEmbd)),
		Prelude: l.blockList("prelude", c.NLayersInPrelude),
		Core:    l.blockList("core_block", c.NLayersInRecurrentBlock),
		Coda:    l.blockList("coda", c.NLayersInCoda),
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

func (l *loader) blockList(part string, n int) []block {
	c := l.config
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

// rowLayout places a row of the file in one of cols columns on the device.
type rowLayout struct {
	cols int
	runs []run
}

func wholeRow(cols int) rowLayout { return rowLayout{cols, []run{{0, 0, cols}}} }

// twoHalves pads either half of the adapter's columns on its own, as the state and the embeds are padded.
func twoHalves(d int) rowLayout {
	half := shaders.Padded(d)
	return rowLayout{2 * half, []run{{0, 0, d}, {half, d, d}}}
}

// matrix streams rows row0.. of a tensor.
func (l *loader) matrix(name string, row0, rows int, layout rowLayout) shaders.Matrix {
	if l.err != nil {
		return shaders.Matrix{}
	}
	if l.ck == nil {
		return l.randomMatrix(name, rows, layout.cols)
	}
	info, ok := l.ck.Tensor(name)
	if !ok {
		l.err = fmt.Errorf("%w: tensor %s is missing", checkpoint.ErrModel, name)
		return shaders.Matrix{}
	}
	var to format.Type
	if to, l.err = l.scheme.Format(l.ck, l.specs[name]); l.err != nil {
		return shaders.Matrix{}
	}
	last := layout.runs[len(layout.runs)-1]
	m, err := shaders.NewMatrix(l.arena, rows, layout.cols, to, l.dev.Caps().ShardLimit())
	if err != nil {
		l.err = err
		return m
	}
	f := filler{ck: l.ck, info: info, to: to, srcCols: last.src + last.n, stride: m.Format.Padded(layout.cols), runs: layout.runs}
	for i := range m.Shards {
		if err := l.shard(&f, m, &m.Shards[i], row0); err != nil {
			l.err = fmt.Errorf("model: loading %s: %w", name, err)
			return m
		}
	}
	return m
}

// shard streams a shard of matrix m, which begins with row row0 of the tensor: a second time when its halves are too large
// for the usual lift.
func (l *loader) shard(f *filler, m shaders.Matrix, s *shaders.Shard, row0 int) error {
	for s.Lift = m.Format.MostLift(); ; s.Lift -= f.over {
		f.over = 0
		var err error
		if f.to.Blocked() {
			err = l.blocks.fill(l, f, m, *s, row0+s.Row0)
		} else {
			err = l.plain(f, *s, row0+s.Row0)
		}
		if err != nil || f.over == 0 {
			return err
		}
	}
}

// vector copies a small tensor of n elements as float32.
func (l *loader) vector(name string, n int) vk.Span {
	if l.err != nil {
		return vk.Span{}
	}
	v := make([]float32, n)
	if l.ck == nil {
		for i := range v {
			v[i] = 1
		}
		return l.upload(name, v)
	}
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
	c := l.config
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
