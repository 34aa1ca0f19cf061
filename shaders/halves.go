package shaders

import (
	"slices"

	"muninn/shaders/format"
	"muninn/vk"
)

// halvesPush is the push block of halves.comp.
type halvesPush struct{ Stride, Width, Embeds uint32 }

// HalvesBytes is the room that rows of cols values take in half precision, as lib/coop.glsl reads them: halves, then their scale.
func HalvesBytes(rows, cols int) uint64 { return uint64(rows) * uint64(Padded(cols)*2+16) }

// Halves gives the recorder room for a matmul's rows in half precision. Without enough of it, matmuls do without matrix units.
func (r *Recorder) Halves(room vk.Span) { r.half = room }

// ToHalves records y[n] = x[n] in half precision, times a power of two of its own that brings its largest value below 2^15.
// y is HalvesBytes of x.
func (r *Recorder) ToHalves(y vk.Span, x Tensor) {
	push := halvesPush{uint32(x.Stride / 4), uint32(x.Stride / 4), 0}
	r.toHalves("halves_wg", push, x.Rows, x.Stride, x.Span, y)
}

func (r *Recorder) toHalves(name string, push halvesPush, rows, cols int, bind ...vk.Span) {
	n := uint64(rows) * uint64(cols)
	lanes := max(r.k.NormLanes, r.k.Subgroup)
	r.dispatchSpec(name, []uint32{lanes}, push, rowsX(rows), vk.Cost{Bytes: 10 * n, FLOPs: 10 * n}, bind...)
}

// halved is x with its rows in half precision, if a matmul with w is to read those.
func (r *Recorder) halved(w Matrix, x Tensor) Tensor {
	if x.halves = r.halves(w, x.Rows, x.Cols); !x.halves.IsZero() {
		r.ToHalves(x.halves, x)
	}
	return x
}

// halves is the room for n rows of cols values in half precision; zero: a matmul with w reads floats.
func (r *Recorder) halves(w Matrix, n, cols int) vk.Span {
	if need := HalvesBytes(n, cols); r.k.OnMatrixUnits(w.Format, n) && need <= r.half.Size() {
		return r.half.Slice(0, need)
	}
	return vk.Span{}
}

// OnMatrixUnits tells whether a matmul of n rows of x with weights of that format goes on matrix units.
func (t Tuning) OnMatrixUnits(f format.Type, n int) bool {
	return t.MatrixUnits && n > t.GEMVRows && f != format.F32
}

// matrixTile is how a workgroup multiplies on matrix units: the constants of lib/coop.glsl.
type matrixTile struct {
	subgroup uint32
	vk.Matrix
	cm, cn, gm, gn uint32 // matrices of sums of a subgroup, subgroups: along rows of x, along weight rows
	depth          uint32
}

func (m matrixTile) spec() []uint32 {
	return []uint32{m.subgroup * m.gm * m.gn, m.M, m.N, m.K, m.cm, m.cn, m.gm, m.gn, m.depth}
}

func (m matrixTile) xRows() int      { return int(m.gm * m.cm * m.M) }
func (m matrixTile) weightRows() int { return int(m.gn * m.cn * m.N) }

// matrixTile is that for n rows of x and so many matrices of weights side by side: for few rows, whose weights have to come from memory,
// many loads under way and many workgroups; for more, sums that share what is read from shared memory. Subgroups of few lanes have few
// registers, all together.
func (t Tuning) matrixTile(n, parts int, f format.Type) matrixTile {
	m := matrixTile{subgroup: t.Subgroup, Matrix: t.matrix(), depth: 32}
	xs, ws, sums := uint32(64), uint32(128), [2]uint32{32, 32} // rows of x and of weights of a workgroup; of sums of a subgroup
	switch {
	case n <= 32 && parts == 1:
		xs, ws, sums[1], m.depth = 32, 64, 16, 64
	case n <= 32:
		xs = 32
	case n <= 64:
		ws = 64
	case t.Subgroup >= 64:
		sums[1] = 64
	}
	if t.Subgroup < 32 {
		sums[0], m.depth = 16, 32
	}
	if t.Subgroup < 16 { // the fewest loads of matrices from shared memory for 32 sums a lane; more, or a deeper step, spills on DG2
		xs, ws, sums, m.depth = 32, 128, [2]uint32{m.M, 32}, max(16, m.K)
		if f == format.Q4_0 {
			m.depth = 32 // the weights of a unit
		}
		if n > 32 && (parts == 1 || m.depth == 32) { // else sums have no room on their way out
			xs = 64
		}
	}
	if n <= 32 && parts == 2 && t.Subgroup < 64 {
		sums[0] = max(sums[0]/2, m.M)
	}
	m.cm, m.cn = sums[0]/m.M, sums[1]/m.N
	m.gm, m.gn = xs/sums[0], ws/sums[1]
	return m
}

// matrix is the size of matrices to multiply: the largest that the kernels can take, of which a lane has at most 8 sums.
func (t Tuning) matrix() (best vk.Matrix) {
	for _, m := range t.caps.Matrices {
		if slices.Contains([]uint32{8, 16}, m.M) && slices.Contains([]uint32{8, 16}, m.N) && slices.Contains([]uint32{8, 16, 32}, m.K) &&
			m.M*m.N <= 8*t.Subgroup && m.M*m.N*m.K > best.M*best.N*best.K {
			best = m
		}
	}
	return best
}

// Beside products on matrix units, attention on floats took a third of the time of 512 rows over 4096 positions of Huginn, and half of
// Ouro's, as counted (README, Attention on matrix units). The kernel has as many lanes as queries, or 2 or 4 times as many.
func ruleHalfQueries(t *Tuning) string {
	switch m := t.matrix(); {
	case !t.MatrixUnits:
		return "see matrix units"
	case t.Subgroup < m.M || t.caps.MaxSharedMemory < 32<<10 || t.Subgroup*coopQueries/m.M > t.caps.MaxWorkgroupInvocations:
		return "the kernel has no room there"
	case t.opt.Matrices == MatrixUnits:
		t.HalfQueries = true
		return "asked for, as for products"
	case t.Queries <= attentionTile:
		return "see attention queries"
	case t.caps.VendorID == vk.VendorIntel:
		return "registers of so few lanes spill"
	}
	t.HalfQueries = true
	return "many rows are busy with multiplying"
}
