package ref

import (
	"math"
	"math/rand/v2"
	"slices"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// attention is softmax(q k^T / sqrt(headDim)) v for each row and query head over the positions that the row sees and that its
// lookup rule shows it, behind the gate if there are any, and its size: the same of values without their signs. q (n, heads, headDim);
// gates and both results have its shape. halves: as matrix units multiply.
func attention(q, gates []float32, c *kvCache, heads int, rows []shaders.Row, halves bool) (y reference) {
	vector := func(at int, of []float32) []float32 { return of[at:][:c.HeadDim] }
	if halves {
		q = asHalves(q, c.HeadDim)
		vector = func(at int, of []float32) []float32 { return roundHalves(slices.Clone(of[at:][:c.HeadDim])) }
	}
	y = reference{make([]float64, len(q)), make([]float64, len(q))}
	for n, r := range rows {
		own, lacking := c.own(r), false
		for i := range int(r.Sees) {
			lacking = lacking || c.stored(int(r.Seq), i) <= own
		}
		for h := range heads {
			var seen []int // where the vectors are
			for i := range int(r.Sees) {
				if slot, ok := c.Slots.Select(own, c.stored(int(r.Seq), i), lacking); ok {
					seen = append(seen, c.at(slot, int(r.Seq), i, h*c.Heads/heads))
				}
			}
			at := (n*heads + h) * c.HeadDim
			of := q[at:][:c.HeadDim]
			key := func(i int) []float32 { return vector(seen[i], c.K) }
			value := func(i int) []float32 { return vector(seen[i], c.V) }
			plain.Attend(y.value[at:][:c.HeadDim], of, len(seen), key, value)
			plain.Attend(y.size[at:][:c.HeadDim], of, len(seen), key, func(i int) []float32 { return unsigned(value(i)) })
		}
	}
	for i, g := range gates {
		open := 1 / (1 + math.Exp(-float64(g)))
		y.value[i] *= open
		y.size[i] *= open
	}
	return y
}

// roundHalves rounds values to halves.
func roundHalves(x []float32) []float32 {
	for i, v := range x {
		x[i] = format.F16.Round(v)
	}
	return x
}

// attentionInputs fills the queries and what is stored. Keys and queries stay small enough for the limit's reason; the
// families show in the values.
func (t *trial) attentionInputs(s attentionSize) (*kvCache, []float32, []shaders.Row) {
	rnd := rand.New(rand.NewPCG(seed(t.c.Op, t.c.size), 1))
	var table []shaders.Row
	for i, n := range s.contexts {
		table = append(table, shaders.Row{Seq: uint32(i), Pos: uint32(n - 1), Step: rnd.Uint32N(20), Sees: s.sees(n-1, n)})
		if n > 2 {
			table = append(table, shaders.Row{Seq: uint32(i), Pos: uint32(n / 2), Step: rnd.Uint32N(3), Sees: s.sees(n/2, n)})
		}
	}
	if s.rows > 0 { // the last positions of the first sequence, at one step
		table = nil
		for pos := max(0, s.contexts[0]-s.rows); pos < s.contexts[0]; pos++ {
			table = append(table, shaders.Row{Pos: uint32(pos), Step: 3, Sees: s.sees(pos, s.contexts[0])})
		}
		if table = append(table, shaders.Row{Step: 7, Sees: 1}); len(s.contexts) > 1 {
			table = append(table, shaders.Row{Seq: 1, Sees: 1})
		}
	}
	c := emptyKV(s.kv, s.slots, s.heads, s.headDim, s.contexts)
	for _, steps := range c.Steps {
		for pos := range steps {
			steps[pos] = rnd.Uint32N(12) // some positions have no step at all
		}
	}
	for i := range table { // a row has stored its own step before it reads
		r := &table[i]
		r.LastOnly = s.slots.Rule == plain.RuleLatest && i%3 == 2
		own := &c.Steps[r.Seq][r.Pos]
		*own = max(*own, r.Step+1)
	}
	keys, values := t.source("k", uniform, format.F32, s.headDim), t.source("kv", s.family, format.F32, s.headDim)
	for seq, steps := range c.Steps {
		for i := range len(steps) * s.slots.Count() * s.heads {
			pos, slot, h := i%len(steps), i/len(steps)/s.heads, i/len(steps)%s.heads
			if s.slots.Rule != plain.RuleOne && slot >= c.stored(seq, pos) {
				continue
			}
			at := c.at(slot, seq, pos, h)
			keys.row(at, c.K[at:][:s.headDim])
			values.row(at, c.V[at:][:s.headDim])
			kvRound(c.K[at:][:s.headDim], s.kv)
			kvRound(c.V[at:][:s.headDim], s.kv)
		}
	}
	if s.infinite {
		c.V[c.at(0, 0, s.contexts[0]-1, 0)] = float32(math.Inf(1))
	}
	q := t.values("q", uniform, len(table), s.heads*max(s.group, 1)*s.headDim)
	if s.family == heavy { // one channel of the query makes the softmax peak
		for i := s.headDim / 3; i < len(q); i += s.headDim {
			q[i] *= 100
		}
	}
	return c, q, table
}

func attentionTrial(t *trial, s attentionSize) {
	c, q, table := t.attentionInputs(s)
	t.store(c, s.shards, false)
	rows, _ := t.rows(table, false)
	heads := s.heads * max(s.group, 1)
	const apart, manyRows = 8, 65 // above which rows share passes
	var ones []shaders.Rows
	shift := max(0, len(table)-manyRows) // of rows that are taken once more, elsewhere in their tiles
	if many := heads*s.headDim%64 == 0 && !s.gate; !many {
		shift -= shift % apart
	}
	later, _ := t.rows(table[shift:], false)
	for i := 0; i < len(table); i += apart {
		one, _ := t.rows(table[i:i+1], false)
		ones = append(ones, one)
	}
	width := heads * s.headDim
	qt := t.input("q", padHeads(q, s.headDim), shaders.QueryCols(heads, s.headDim))
	y := t.written("y", len(table), width, s.int8)
	most := slices.Max(s.contexts)
	alone, shifted := t.output("y row by row", len(table), width), t.output("y of later rows", len(table), width)
	gate, gates := shaders.Gate{}, []float32(nil)
	if s.gate {
		gate, gates = t.gates(len(table), width)
	}
	parts, arrived := shaders.AttentionScratchBytes(heads, s.headDim, most)
	counters := t.buffer("arrived", make([]byte, arrived), true)
	scratch := shaders.AttentionScratch{Parts: t.buffer("parts", make([]byte, parts), true).data, Arrived: counters.data}
	t.check(func(r *shaders.Recorder) {
		r.Attention(y.Tensor, qt.Tensor, c.Cache, gate, rows, most, scratch)
		for k, one := range ones { // some rows again, without company
			gate := gate
			if s.gate {
				gate.QKV = gate.QKV.From(k*apart, 1)
			}
			r.Attention(alone.From(k*apart, 1), qt.From(k*apart, 1), c.Cache, gate, one, most, scratch)
		}
		if shift > 0 {
			gate := gate
			if s.gate {
				gate.QKV = gate.QKV.From(shift, later.N)
			}
			r.Attention(shifted.From(shift, later.N), qt.From(shift, later.N), c.Cache, gate, later, most, scratch)
		}
	}, func(v *verdict) {
		want := attention(q, gates, c, heads, table, v.halves)
		if s.infinite {
			v.infinite(y, want)
		}
		v.tensor(y, want)
		if !v.halves { // many rows are on matrix units, few are not
			v.sameRows(y, alone, 0, apart)
		}
		if shift > 0 {
			v.sameRows(y, shifted, shift, 1)
		}
		v.zero(counters)
	})
}

// infinite finds results that are finite where they should not be, and takes them and those that should not out of what is compared.
func (v *verdict) infinite(y tensor, want reference) {
	got := floatsOf(y.values())
	for i, w := range want.value {
		if at := i/y.Cols*y.Stride + i%y.Cols; math.IsInf(w, 0) || math.IsNaN(w) {
			if float64(got[at])-float64(got[at]) == 0 {
				v.fail("row %d column %d is %g, and should not be finite", i/y.Cols, i%y.Cols, got[at])
			}
			want.value[i], want.size[i] = 0, 0
			clear(y.values()[at*4:][:4])
		}
	}
}

// sameRows compares every so manieth row from one on, bit by bit, with what came of it in other company.
func (v *verdict) sameRows(y, other tensor, from, every int) {
	got, want := floatsOf(y.values()), floatsOf(other.values())
	for i := from; i < y.Rows; i += every {
		for j := i * y.Stride; j < i*y.Stride+y.Cols; j++ {
			if nan := got[j] != got[j] && want[j] != want[j]; !nan && math.Float32bits(got[j]) != math.Float32bits(want[j]) {
				v.fail("row %d is %g, %g as %s", i, got[j], want[j], other.name)
				break
			}
		}
	}
}

// gates are some of (rows, cols), open and closed, and where they lie: behind something else, as behind q, k and v.
func (t *trial) gates(rows, cols int) (shaders.Gate, []float32) {
	const before = 7
	x, gates := t.values("gates", uniform, rows, before+cols), []float32(nil)
	for n := range rows {
		row := x[n*(before+cols):][:before+cols][before:]
		for i := range row {
			row[i] *= 8
		}
		gates = append(gates, row...)
	}
	return shaders.Gate{QKV: t.input("gates", x, before+cols).Tensor, At: before}, gates
}

func unsigned(x []float32) []float32 {
	x = slices.Clone(x)
	for i, v := range x {
		x[i] = max(v, -v)
	}
	return x
}

// padHeads pads each head with zeros to whole float vectors, as the cache and the queries have them.
func padHeads[F plain.Float](x []F, headDim int) []F {
	var y []F
	for i := 0; i < len(x); i += headDim {
		y = append(y, x[i:i+headDim]...)
		y = append(y, make([]F, (headDim+3)/4*4-headDim)...)
	}
	return y
}
