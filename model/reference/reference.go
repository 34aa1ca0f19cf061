// Package reference is the model in plain Go, the oracle of the device's graph.
package reference

import (
	"math"
	"slices"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/shaders/plain"
)

// Model is the model in plain Go: float32 weights, float64 arithmetic, no tiles, no device. It is the oracle
// that the device's graph is compared with, and slow. It may be shared by sessions.
//
// Letters: S rows of a pass, d = NEmbd, H x h = NHeads x HeadDim, K = KVHeads, m = IntermediateSize, V = PaddedVocabSize.
type Model struct {
	Config      arch.Config
	wte         refMatrix // (V, d)
	prelude     []refBlock
	adapter     refMatrix // (d, 2d): columns of the state, then of the embeds
	adapterBias []float32 // (d), nil without bias
	core        []refBlock
	lnF         []float32 // (d)
	coda        []refBlock
	lmHead      refMatrix // (V, d), wte when tied
	second      []float32 // (d) what the second state begins with; nil where the core has one stack
	gate        []float32 // (d) of the exit gate; nil without
	gateBias    []float32 // [1]
}

type refBlock struct {
	norm1, norm2, norm3, norm4 []float32 // (d); nil where the family has none
	wqkv                       refMatrix // (QKVWidth, d): all q heads, all k heads, all v heads, the gate
	qkBias                     []float32 // (2, H, h): q, k; nil without qk_bias
	qNorm, kNorm               []float32 // (H h), (K h); nil without
	attnProj                   refMatrix // (d, H h)
	fc                         refMatrix // (2m, d): gate, then up
	mlpProj                    refMatrix // (d, m)
}

// embed: rows of the embedding times its factor.
func (r *Model) embed(tokens []int32) [][]float64 {
	scale := r.Config.EmbedScale()
	x := newRows(len(tokens), r.Config.NEmbd)
	for i, token := range tokens {
		for j, v := range r.wte.row(int(token)) {
			x[i][j] = float64(v) * scale
		}
	}
	return x
}

// block: attention, then the MLP, each with the norms around it that the family has. at holds the rows' places.
func (r *Model) block(b refBlock, x [][]float64, at []refPlace, cache refCache, name string, tap refTap) [][]float64 {
	y := r.before(x, b.norm1, name+".norm_1", tap)
	y = r.attention(b, y, at, cache, name, tap)
	tap(name+".attn", y)
	x = r.after(x, y, b.norm2)
	tap(name+".norm_2", x)

	y = r.before(x, b.norm3, name+".norm_3", tap)
	y = b.mlpProj.times(gated(b.fc.times(y, nil)), nil)
	tap(name+".mlp", y)
	x = r.after(x, y, b.norm4)
	tap(name, x)
	return x
}

// before is what attention or the MLP is given.
func (r *Model) before(x [][]float64, weight []float32, name string, tap refTap) [][]float64 {
	if !r.Config.Block.Norms.HasBefore() {
		return x
	}
	y := rmsNorms(x, weight, r.Config.NormEps)
	tap(name, y)
	return y
}

// after adds what attention or the MLP gave to the residual stream.
func (r *Model) after(x, y [][]float64, weight []float32) [][]float64 {
	switch r.Config.Block.Norms {
	case arch.NormsSandwich: // there is no path around the norms
		return rmsNorms(plus(y, x), weight, r.Config.NormEps)
	case arch.NormsBefore:
		return plus(x, y)
	}
	return plus(x, rmsNorms(y, weight, r.Config.NormEps))
}

// attention: softmax(q k^T / sqrt(h)) v over the positions that a row sees, through the cache.
func (r *Model) attention(b refBlock, x [][]float64, at []refPlace, cache refCache, name string, tap refTap) [][]float64 {
	c := r.Config
	h, width, keys := c.HeadDim, c.QueryWidth(), c.KeyWidth()
	qkv := b.wqkv.times(x, nil)
	tap(name+".attn.Wqkv", qkv)
	for i, row := range qkv {
		q, k, v := row[:width], row[width:width+keys], row[width+keys:width+2*keys]
		if b.qkBias != nil { // before rope
			addBias(q, b.qkBias[:width])
			addBias(k, b.qkBias[width:])
		}
		if b.qNorm != nil {
			copy(q, plain.RMSNorm(q, b.qNorm, c.NormEps))
			copy(k, plain.RMSNorm(k, b.kNorm, c.NormEps))
		}
		for lo := 0; lo < width; lo += h {
			r.rope(q[lo:lo+h], at[i].pos)
		}
		for lo := 0; lo < keys; lo += h {
			r.rope(k[lo:lo+h], at[i].pos)
		}
		cache.store(at[i].pos, refKV{k, v})
	}
	y := newRows(len(x), width)
	parallel(len(x), func(i int) {
		seen := cache.load(at[i])
		for head := range c.NHeads {
			lo, kv := head*h, head/(c.NHeads/c.KVHeads())*h
			plain.Attend(y[i][lo:lo+h], qkv[i][lo:lo+h], len(seen),
				func(k int) []float64 { return seen[k].k[kv : kv+h] }, func(k int) []float64 { return seen[k].v[kv : kv+h] })
		}
		if c.Block.Gate {
			for j, g := range qkv[i][width+2*keys:] {
				y[i][j] /= 1 + math.Exp(-g)
			}
		}
	})
	return b.attnProj.times(y, nil)
}

// rope turns pairs of one head.
func (r *Model) rope(x []float64, pos int) {
	n := len(x) / 2
	for i := range n {
		cos, sin := r.Config.RopeAngle(pos, i)
		if r.Config.Block.Halves {
			x[i], x[n+i] = x[i]*cos-x[n+i]*sin, x[n+i]*cos+x[i]*sin
		} else {
			plain.Turn(x, i, cos, sin)
		}
	}
}

// New reads all weights of a checkpoint.
func New(ck *checkpoint.Checkpoint) (*Model, error) {
	c := ck.Config
	l := refLoader{ck: ck, table: c.TensorSpecs(), ones: ones(c)}
	r := &Model{
		Config:      c,
		wte:         l.matrix(arch.PartEmbedding, 0, arch.RoleEmbedding),
		prelude:     l.blocks(arch.PartPrelude, c.NLayersInPrelude),
		adapter:     l.matrix(arch.PartAdapter, 0, arch.RoleAdapter),
		adapterBias: l.vector(arch.PartAdapter, 0, arch.RoleAdapterBias),
		core:        l.blocks(arch.PartCore, c.NLayersInRecurrentBlock),
		lnF:         l.norm(arch.PartNorm, 0, arch.RoleFinalNorm),
		second:      l.vector(arch.PartSecond, 0, arch.RoleSecond),
		gate:        l.vector(arch.PartExitGate, 0, arch.RoleExitGate),
		gateBias:    l.vector(arch.PartExitGate, 0, arch.RoleExitGateBias),
		coda:        l.blocks(arch.PartCoda, c.NLayersInCoda),
	}
	r.lmHead = r.wte
	if !c.TieEmbeddings {
		r.lmHead = l.matrix(arch.PartHead, 0, arch.RoleHead)
	}
	if l.err != nil {
		return nil, l.err
	}
	return r, nil
}

// refLoader reads by the table of tensors and keeps the first error.
type refLoader struct {
	ck    *checkpoint.Checkpoint
	table arch.Table
	ones  []float32 // the weight of norms without one; nil: they have one
	err   error
}

func (l *refLoader) blocks(part arch.Part, n int) []refBlock {
	blocks := make([]refBlock, n)
	for i := range blocks {
		blocks[i] = refBlock{
			norm1: l.norm(part, i, arch.RoleNorm1), norm2: l.norm(part, i, arch.RoleNorm2),
			norm3: l.norm(part, i, arch.RoleNorm3), norm4: l.norm(part, i, arch.RoleNorm4),
			wqkv: l.matrix(part, i, arch.RoleQKV), qkBias: l.vector(part, i, arch.RoleQKBias),
			qNorm: l.vector(part, i, arch.RoleQNorm), kNorm: l.vector(part, i, arch.RoleKNorm),
			attnProj: l.matrix(part, i, arch.RoleAttnOut), fc: l.matrix(part, i, arch.RoleGateUp), mlpProj: l.matrix(part, i, arch.RoleDown),
		}
	}
	return blocks
}

// norm reads the weight of a norm.
func (l *refLoader) norm(part arch.Part, i int, role arch.Role) []float32 {
	if l.ones != nil {
		return l.ones
	}
	return l.vector(part, i, role)
}

// ones are the weight of a norm that has none.
func ones(c arch.Config) []float32 {
	if !c.Block.Weightless {
		return nil
	}
	return slices.Repeat([]float32{1}, c.NEmbd)
}

// vector reads all values of a role, in the order of its pieces; nil where the model has none.
func (l *refLoader) vector(part arch.Part, i int, role arch.Role) []float32 {
	var all []float32
	for _, p := range l.table.Pieces(part, i, role) {
		if l.err != nil {
			return nil
		}
		per := 1 // values of a row
		for _, n := range p.Shape[1:] {
			per *= n
		}
		v := make([]float32, p.Rows*per)
		l.err = l.ck.ReadF32(p.Name, v, int64(p.Row*per))
		all = append(all, v...)
	}
	return all
}

func (l *refLoader) matrix(part arch.Part, i int, role arch.Role) refMatrix {
	pieces := l.table.Pieces(part, i, role)
	if len(pieces) == 0 {
		return refMatrix{}
	}
	cols, w := pieces[0].Shape[1], l.vector(part, i, role)
	return refMatrix{rows: len(w) / cols, cols: cols, w: w}
}
