package ref

import (
	"fmt"
	"math"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// qkvrope splits each row of qkv into s.queries() heads of q and s.heads of k and of v, leaving the rest, adds bias (q, k; nil: none) to
// q and k, and turns each pair in them by the angle of the row's position; rope (positions, headDim/2, 2) holds cos and sin.
// The results are (n, heads, headDim).
func qkvrope(qkv, bias []float32, rope []float32, s qkvropeSize, rows []shaders.Row) (q, k, v []float64) {
	turned, all := (s.queries()+s.heads)*s.headDim, (s.queries()+2*s.heads)*s.headDim
	for n, r := range rows {
		x := plain.Widen(qkv[n*(all+s.more):][:all])
		for i, b := range bias {
			x[i] += float64(b)
		}
		for i := range turned / 2 {
			head, pair := x[2*i/s.headDim*s.headDim:][:s.headDim], i%(s.headDim/2)
			cs := rope[int(r.Pos)*s.headDim+2*pair:]
			if s.halves {
				plain.TurnHalves(head, pair, float64(cs[0]), float64(cs[1]))
			} else {
				plain.Turn(head, pair, float64(cs[0]), float64(cs[1]))
			}
		}
		k, v = append(k, x[s.queries()*s.headDim:turned]...), append(v, x[turned:]...)
		q = append(q, x[:s.queries()*s.headDim]...)
	}
	return q, k, v
}

// ropeTable is cos and sin of position / base^(2i / headDim) for each position and pair i, computed in float64.
func ropeTable(positions, headDim int, base float64) (table []float32) {
	for p := range positions {
		for i := range headDim / 2 {
			cos, sin := plain.RopeAngle(p, i, headDim, base)
			table = append(table, float32(cos), float32(sin))
		}
	}
	return table
}

type qkvropeSize struct {
	heads, headDim int
	bias           bool
	slots          shaders.Slots
	mark           shaders.Mark
	shards         int
	family         family
	kv             shaders.KVType
	group          int // query heads to a head of keys; 0: one
	halves         bool
	more           int // columns behind q, k and v
}

func (s qkvropeSize) queries() int { return s.heads * max(s.group, 1) }

func (s qkvropeSize) String() string {
	name := fmt.Sprintf("%s heads=%dx%d bias=%v slots=%d:%d+%d mark=%d %d shards %s", s.kv, s.heads, s.headDim, s.bias, s.slots.Every, s.slots.Anchor, s.slots.Period, s.mark, s.shards, s.family)
	if s.group > 0 || s.halves || s.more > 0 {
		name += fmt.Sprintf(" group=%d halves=%v more=%d", s.group, s.halves, s.more)
	}
	return name
}

func qkvropeCases() []Case {
	var sizes []qkvropeSize
	for i, h := range []int{2, 10, 16, 24, 32, 96, shaders.MaxHeadDim} {
		for j, slots := range []shaders.Slots{{Period: 1}, {Period: 8}, {Anchor: 8, Period: 1}, {Anchor: 2, Period: 3}, {Every: 4, Period: 5}} {
			sizes = append(sizes, qkvropeSize{heads: 1 + (i+j)%4, headDim: h, bias: (i+j)%2 == 0, slots: slots, mark: shaders.Mark((i + j) % 3),
				shards: 1 + (i+2*j)%3, family: family((i + j) % families), kv: shaders.KVType((i + 2*j) % 3)})
		}
	}
	for i, h := range []int{10, 24, 64, 96, 128} { // halves of 5 too
		for j, kv := range shaders.KVTypes() {
			sizes = append(sizes, qkvropeSize{heads: 1 + (i+j)%3, headDim: h, bias: j == 0, slots: shaders.Slots{Period: 4}, mark: shaders.MarkStep,
				shards: 1 + i%2, family: family(i % 2), kv: kv, group: 1 + (i+j)%4, halves: (i+j)%5 != 4, more: 9 * j})
		}
	}
	list := make([]Case, len(sizes))
	for i, s := range sizes {
		c := &list[i]
		*c = Case{Op: "qkvrope", Limit: 1e-10, Why: "two float32 multiplications and additions"}
		switch s.kv {
		case shaders.KVF16:
			c.Limit, c.Why = 2.5e-7, "rounding to half precision, 2^-11 of a value or of the smallest normal half"
			if s.family == halfMax { // rotated and biased values would be too large for it
				s.family = small // among them some that are subnormal halves
			}
		case shaders.KVQ8:
			c.Limit, c.Why = 5e-4, "rounding to steps of 1/127 of a block's largest value: half a step in each of 32"
		}
		c.Name, c.run = s.String(), func(t *trial) { qkvropeTrial(t, s) }
	}
	return list
}

func qkvropeTrial(t *trial, s qkvropeSize) {
	const positions = 70
	queries := s.queries()
	table := []shaders.Row{{Pos: 69, Step: 0}, {Seq: 1, Pos: 31, Step: 3}, {Seq: 1, Pos: 32, Step: 3}, {Seq: 2, Pos: 5, Step: 17}, {Seq: 2, Pos: 4, Step: 8, LastOnly: true}}
	if s.slots.Count() > 1 {
		s.slots.Rule = plain.RuleFull // those of core layers, whichever of their rules
	}
	c := emptyKV(s.kv, s.slots, s.heads, s.headDim, slices.Repeat([]int{positions}, 3))
	for seq, steps := range c.Steps {
		for pos := range steps {
			steps[pos] = uint32(1000 + 100*seq + pos)
		}
	}
	var bias []float32
	if s.bias {
		bias = source{seed("qkv bias", s.String()), uniform, format.F32, (queries + s.heads) * s.headDim}.all(1)
	}
	rope := ropeTable(positions, s.headDim, 50000)
	qkv := t.drawn("qkv", s.family, len(table), (queries+2*s.heads)*s.headDim+s.more)
	biasSpan, ropeSpan := t.floats("bias", bias), t.floats("rope", rope)
	rows, _ := t.rows(table, false)
	t.store(c, s.shards, true)
	qt := t.output("q", len(table), shaders.QueryCols(queries, s.headDim))
	q, k, v := qkvrope(qkv.x, bias, rope, s, table)
	t.check(func(r *shaders.Recorder) {
		r.QKVRope(qt.Tensor, c.Cache, qkv.Tensor, biasSpan, ropeSpan, s.halves, rows, s.mark)
	}, becomes(qt, padHeads(q, s.headDim)), func(o *verdict) {
		o.stored(c, table, k, v)
		o.marked(c, table, s.mark)
	})
}

// stored finds each row's k and v in its cell and slot, and everything else as it was.
func (v *verdict) stored(c *kvCache, table []shaders.Row, k, vv []float64) {
	gotK, gotV := slices.Clone(c.K), slices.Clone(c.V)
	for i, s := range c.Shards {
		c.read(gotK, c.k[i].now, c.k[i].now, s.Head0, s.Heads)
		c.read(gotV, c.v[i].now, c.k[i].now, s.Head0, s.Heads)
		for _, o := range []*operand{c.k[i], c.v[i]} {
			for _, p := range c.headPadding(o.now, c.k[i].now) {
				if p != 0 {
					v.fail("%s: padding of a head is %g", o.name, p)
					break
				}
			}
		}
	}
	var least []float64
	if c.Type == shaders.KVF16 { // below its smallest normal value a half is rounded by as much as there
		least = slices.Repeat([]float64{0x1p-14}, c.HeadDim)
	}
	for n, r := range table {
		slot := c.own(r)
		for h := range c.Heads {
			at, from := c.at(slot, int(r.Seq), int(r.Pos), h), (n*c.Heads+h)*c.HeadDim
			v.values(fmt.Sprintf("k of row %d head %d", n, h), gotK[at:][:c.HeadDim], reference{k[from:][:c.HeadDim], least}, c.HeadDim)
			v.values(fmt.Sprintf("v of row %d head %d", n, h), gotV[at:][:c.HeadDim], reference{vv[from:][:c.HeadDim], least}, c.HeadDim)
			if c.Type == shaders.KVQ8 {
				v.halfSteps(n, gotK[at:][:c.HeadDim], k[from:][:c.HeadDim])
				v.halfSteps(n, gotV[at:][:c.HeadDim], vv[from:][:c.HeadDim])
			}
			copy(gotK[at:][:c.HeadDim], c.K[at:][:c.HeadDim]) // what remains must be as before
			copy(gotV[at:][:c.HeadDim], c.V[at:][:c.HeadDim])
		}
	}
	for i := range gotK {
		if math.Float32bits(gotK[i]) != nanWord || math.Float32bits(gotV[i]) != nanWord {
			v.fail("cell %d of the pool was written, which no row has", i/c.Heads/c.HeadDim)
			return
		}
	}
}

// halfSteps finds each value of a row's head in KVQ8 within half a step of the scale that is stored, which no integers give that were
// made with the scale before its rounding.
func (v *verdict) halfSteps(n int, got []float32, want []float64) {
	for i := 0; i < len(want); i += format.Block {
		block := want[i:min(i+format.Block, len(want))]
		top := 0.0
		for _, x := range block {
			top = max(top, math.Abs(x))
		}
		step := float64(kvScale([]float32{float32(top)}))
		for j, x := range block {
			if math.Abs(float64(got[i+j])-x) > 0.51*step { // a tie of float64 may be none of float32: then the step is 2^-7 more
				v.fail("row %d: %g was stored as %g, in steps of %g", n, x, got[i+j], step)
				return
			}
		}
	}
}

// marked finds the depths as the mark says.
func (v *verdict) marked(c *kvCache, table []shaders.Row, mark shaders.Mark) {
	want := wordsOf(c.pages.before())
	for _, r := range table {
		at := c.depthAt(int(r.Seq), int(r.Pos))
		if r.LastOnly {
			r.Step = 0
		}
		switch mark {
		case shaders.MarkBegin:
			want[at] = r.Step
		case shaders.MarkStep:
			want[at] = r.Step + 1
		}
	}
	for i, got := range wordsOf(c.pages.values()) {
		if got != want[i] {
			v.fail("word %d of the pages is %d, want %d", i, got, want[i])
			return
		}
	}
}
