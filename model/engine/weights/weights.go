// Package weights brings a model's weights onto a device, by the table of its tensors, and counts what memory they take.
package weights

import (
	"encoding/binary"
	"math"

	"muninn/model/arch"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// Block is one transformer block's weights on the device. d = NEmbd, H x h = NHeads x HeadDim, K of the heads of keys and values,
// m = IntermediateSize. What a family has not is zero; norms that have no weights are ones.
type Block struct {
	Norm1, Norm2, Norm3, Norm4 vk.Span        // (d) float32
	Wqkv                       shaders.Matrix // (QKVWidth, d): all q heads, all k heads, all v heads, the gate
	QKBias                     vk.Span        // (2, H, h) float32: q, k
	QNorm, KNorm               vk.Span        // (H h), (K h) float32
	AttnProj                   shaders.Matrix // (d, H h)
	Gate, Up                   shaders.Matrix // (m, d) each
	MLPProj                    shaders.Matrix // (d, m)
}

// Weights are a model's weights on the device. What a family has not is zero.
type Weights struct {
	WTE          shaders.Matrix // (vocabulary, d)
	Prelude      []Block
	Core         []Block
	Coda         []Block
	Adapter      shaders.Matrix // (d, 2 Padded(d)): the state's columns, then the embeds'; no shards in a family without
	AdapterBias  vk.Span        // (d) float32
	LnF          vk.Span        // (d) float32: see arch.FinalNorm
	Second       vk.Span        // (d) float32: what the second state begins with
	ExitGate     vk.Span        // (d) float32
	ExitGateBias vk.Span        // (1) float32
	LMHead       shaders.Matrix // (vocabulary, d); WTE itself when tied
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

// Filling is a matrix or a vector, and the rows of tensors that go into it.
type Filling struct {
	pieces []arch.Piece
	matrix shaders.Matrix
	layout rowLayout
	vector vk.Span // float32, where matrix has no shards; of ones without pieces
}

// weightLayout allocates a model's weights by the table of its tensors, and keeps what goes where.
type weightLayout struct {
	mem      *Memory
	c        arch.Config
	table    arch.Table
	formats  Formats
	ones     vk.Span // (d) the weights of norms without
	fillings []Filling
}

// layWeights allocates a model's weights, in the formats given.
func Lay(mem *Memory, c arch.Config, formats Formats) (Weights, []Filling) {
	l := &weightLayout{mem: mem, c: c, table: c.TensorSpecs(), formats: formats}
	w := Weights{
		WTE:     l.matrix("embedding", arch.PartEmbedding, 0, arch.RoleEmbedding),
		Prelude: l.blocks("prelude", arch.PartPrelude, c.NLayersInPrelude),
		Core:    l.blocks("core", arch.PartCore, c.NLayersInRecurrentBlock),
		Coda:    l.blocks("coda", arch.PartCoda, c.NLayersInCoda),
		Adapter: l.matrix("adapter", arch.PartAdapter, 0, arch.RoleAdapter),
		LnF:     l.norm(arch.PartNorm, 0, arch.RoleFinalNorm),

		Second:   l.vector(arch.PartSecond, 0, arch.RoleSecond),
		ExitGate: l.vector(arch.PartExitGate, 0, arch.RoleExitGate), ExitGateBias: l.vector(arch.PartExitGate, 0, arch.RoleExitGateBias),
	}
	w.AdapterBias = l.vector(arch.PartAdapter, 0, arch.RoleAdapterBias)
	w.LMHead = w.WTE
	if !c.TieEmbeddings {
		w.LMHead = l.matrix("head", arch.PartHead, 0, arch.RoleHead)
	}
	mem.As(MemoryWeights, "")
	return w, l.fillings
}

func (l *weightLayout) blocks(name string, part arch.Part, n int) []Block {
	blocks := make([]Block, n)
	for i := range blocks {
		vector := func(r arch.Role) vk.Span { return l.vector(part, i, r) }
		norm := func(r arch.Role) vk.Span { return l.norm(part, i, r) }
		matrix := func(r arch.Role) shaders.Matrix { return l.matrix(name, part, i, r) }
		blocks[i] = Block{
			Norm1: norm(arch.RoleNorm1), Norm2: norm(arch.RoleNorm2), Norm3: norm(arch.RoleNorm3), Norm4: norm(arch.RoleNorm4),
			Wqkv: matrix(arch.RoleQKV), AttnProj: matrix(arch.RoleAttnOut),
			Gate: matrix(arch.RoleGate), Up: matrix(arch.RoleUp), MLPProj: matrix(arch.RoleDown),
			QKBias: vector(arch.RoleQKBias), QNorm: vector(arch.RoleQNorm), KNorm: vector(arch.RoleKNorm),
		}
	}
	return blocks
}

// matrix allocates the matrix of a role, which other parts of the plan call by name; nothing where the family has none.
func (l *weightLayout) matrix(name string, part arch.Part, i int, role arch.Role) shaders.Matrix {
	pieces := l.table.Pieces(part, i, role)
	if len(pieces) == 0 {
		return shaders.Matrix{}
	}
	rows, layout, f := 0, wholeRow(pieces[0].Shape[1]), l.formats(pieces[0].TensorSpec)
	if role == arch.RoleAdapter {
		layout = twoHalves(l.c.NEmbd)
	}
	for _, p := range pieces {
		rows, f = rows+p.Rows, common(f, l.formats(p.TensorSpec))
	}
	l.mem.As(MemoryWeights, name)
	m := l.mem.matrix(rows, layout.cols, f)
	l.fillings = append(l.fillings, Filling{pieces: pieces, matrix: m, layout: layout})
	return m
}

// common is the format of a matrix whose tensors have two.
func common(a, b format.Type) format.Type {
	switch {
	case a == b:
		return a
	case a == format.F32 || b == format.F32:
		return format.F32
	}
	return format.BF16
}

// vector allocates a small tensor as float32.
func (l *weightLayout) vector(part arch.Part, i int, role arch.Role) vk.Span {
	pieces := l.table.Pieces(part, i, role)
	if len(pieces) == 0 {
		return vk.Span{}
	}
	l.mem.As(MemoryWeights, "norms")
	s := l.mem.Span(uint64(pieces[0].Elements()) * 4)
	l.fillings = append(l.fillings, Filling{pieces: pieces, vector: s})
	return s
}

// norm allocates a norm's weights. Those of a family without are ones, which all share.
func (l *weightLayout) norm(part arch.Part, i int, role arch.Role) vk.Span {
	form := l.c.Block
	unused := !form.Norms.HasBefore() && (role == arch.RoleNorm1 || role == arch.RoleNorm3) ||
		!form.Norms.HasAfter() && (role == arch.RoleNorm2 || role == arch.RoleNorm4)
	if !form.Weightless || unused {
		return l.vector(part, i, role)
	}
	if l.ones.IsZero() {
		l.mem.As(MemoryWeights, "norms")
		l.ones = l.mem.Span(uint64(l.c.NEmbd) * 4)
		l.fillings = append(l.fillings, Filling{vector: l.ones})
	}
	return l.ones
}

// RopeTable fills a device's table of cosines and sines, of angles computed in float64: a file's copy is rounded more.
func RopeTable(c arch.Config) func(off uint64, p []byte) error {
	frequencies := make([]float64, c.HeadDim/2)
	for i := range frequencies {
		frequencies[i] = c.RopeFrequency(i)
	}
	return func(off uint64, p []byte) error {
		for at, i := int(off/4), 0; i < len(p); at, i = at+1, i+4 {
			sin, cos := math.Sincos(float64(at/c.HeadDim) * frequencies[at%c.HeadDim/2])
			if at%2 == 0 {
				sin = cos
			}
			binary.LittleEndian.PutUint32(p[i:], math.Float32bits(float32(sin)))
		}
		return nil
	}
}

// name is that of the first tensor.
func (f Filling) name() string { return f.pieces[0].Name }

// eachRun calls do for every run of a tensor's rows in a shard: a shard's view of them, and the first row in the tensor.
func (f Filling) eachRun(s shaders.Shard, do func(p arch.Piece, view shaders.Shard, first int) error) error {
	at := 0 // row of the matrix
	for _, p := range f.pieces {
		from, to := max(at, s.Row0), min(at+p.Rows, s.Row0+s.Rows)
		if from < to {
			if err := do(p, f.matrix.View(s, from-s.Row0, to-from), p.Row+from-at); err != nil {
				return loading(p.Name, err)
			}
		}
		at += p.Rows
	}
	return nil
}
