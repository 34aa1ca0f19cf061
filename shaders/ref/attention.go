package ref

import (
	"fmt"
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

// attentionSize is a case: sequences of the given lengths side by side in the cache, a row for the last position of each
// and for some before.
type attentionSize struct {
	heads, headDim int
	contexts       []int
	slots          shaders.Slots
	family         family
	shards         int
	kv             shaders.KVType
	rows           int // of the longest sequence, up to its end; 0: few rows of each
	group          int // query heads to a head of keys; 0: one
	gate           bool
	prefix         int  // positions of each sequence that see each other
	int8           bool // int8 activations are written
	infinite       bool // a value of the longest sequence's last position is
}

func (s attentionSize) String() string {
	rule := [...]string{"one", "full", "latest", "always-last"}[s.slots.Rule]
	name := fmt.Sprintf("%s %s heads=%dx%d contexts=%v rows=%d slots=%d:%d+%d %s %d shards", s.kv, rule, s.heads, s.headDim, s.contexts, s.rows,
		s.slots.Every, s.slots.Anchor, s.slots.Period, s.family, s.shards)
	if s.group > 0 || s.gate || s.prefix > 0 {
		name += fmt.Sprintf(" group=%d gate=%v prefix=%d", s.group, s.gate, s.prefix)
	}
	if s.infinite {
		name += " an infinite value"
	}
	return named(s.int8, name)
}

// sees is how many positions of a sequence of n the row at pos sees.
func (s attentionSize) sees(pos, n int) uint32 {
	if pos < s.prefix {
		return uint32(min(s.prefix, n))
	}
	return uint32(pos + 1)
}

func attentionCases() []Case {
	one := shaders.Slots{Period: 1}
	var sizes []attentionSize
	for i, h := range []int{2, 10, 16, 24, 32, 96, shaders.MaxHeadDim} {
		for j, contexts := range [][]int{{1, 63}, {64, 65}, {200, 3}} {
			sizes = append(sizes, attentionSize{heads: 1 + (i+j)%3, headDim: h, contexts: contexts, slots: one, family: family((i + j) % families), shards: 1 + (i+j)%2})
		}
	}
	for _, rule := range []plain.Rule{plain.RuleFull, plain.RuleLatest, plain.RuleAlwaysLast} {
		for i, slots := range []shaders.Slots{{Period: 8}, {Anchor: 8, Period: 1}, {Period: 4}, {Anchor: 2, Period: 3}, {Period: 1},
			{Every: 4, Period: 5}, {Every: 3, Anchor: 2, Period: 2}} {
			slots.Rule = rule
			contexts := [][]int{{1, 64, 65}, {63, 2, 9}, {200, 1}, {65, 128}, {70}, {66, 4}, {90}}[i]
			sizes = append(sizes, attentionSize{heads: 3, headDim: []int{16, 10, 24, 96, 2, 32, 16}[i], contexts: contexts, slots: slots, family: family(i % families), shards: 1 + i%3})
		}
		sizes = append(sizes, attentionSize{heads: 2, headDim: 96, contexts: []int{1000}, slots: shaders.Slots{Anchor: 1, Period: 2, Rule: rule}, shards: 1})
	}
	for i := range sizes { // every KV type in turn, and a third of the cases with rows that share what is loaded
		sizes[i].kv = shaders.KVType(i % 3)
		if i%5 == 1 {
			sizes[i].rows = 19
		}
	}
	for i, kv := range shaders.KVTypes() { // several segments, together and apart
		sizes = append(sizes, attentionSize{heads: 2, headDim: 96, contexts: []int{1100}, slots: one, shards: 1 + i%2, kv: kv},
			attentionSize{heads: 2, headDim: 24, contexts: []int{1100, 3}, slots: shaders.Slots{Period: 2, Rule: plain.RuleLatest}, shards: 1, kv: kv, rows: 13})
	}
	for i, contexts := range [][]int{{31, 32, 33}, {127, 128, 129}, {511, 512, 513}} { // around the ends of pages and segments
		sizes = append(sizes, attentionSize{heads: 1 + i, headDim: 80, contexts: contexts, slots: one, shards: 1, kv: shaders.KVType(i), family: heavy})
	}
	for i, kv := range shaders.KVTypes() { // enough rows for matrix units
		sizes = append(sizes, attentionSize{heads: 2, headDim: 96, contexts: []int{700}, slots: one, shards: 2, kv: kv, rows: 131},
			attentionSize{heads: 1 + i, headDim: 80, contexts: []int{200, 3}, slots: one, shards: 1, kv: kv, rows: 97, family: heavy},
			attentionSize{heads: 3, headDim: 10, contexts: []int{70}, slots: one, shards: 1, kv: kv, rows: 70, family: family(i % families)})
	}
	for _, kv := range []shaders.KVType{shaders.KVF32, shaders.KVF16} { // rows that do not see it share what is loaded with one that does
		sizes = append(sizes, attentionSize{heads: 2, headDim: 24, contexts: []int{70}, slots: one, shards: 1, kv: kv, rows: 70, infinite: true},
			attentionSize{heads: 1, group: 2, headDim: 24, contexts: []int{50}, slots: one, shards: 1, kv: kv, rows: 7, infinite: true})
	}
	sizes = append(sizes, grouped()...)
	for i, s := range slices.Clone(sizes) {
		if s.int8 = shaders.WholeBlocks(s.headDim) && i%2 > 0; s.int8 {
			sizes = append(sizes, s)
		}
	}
	return each(Case{Op: "attention", Limit: attentionLimit, Why: attentionWhy}, sizes, attentionTrial)
}

const (
	attentionLimit = 1e-9
	attentionWhy   = "float32 scores below 300: a score's rounding is its weight's relative error"
)

// grouped are sizes with query heads that share keys, gates, and rows that see positions behind them: of every KV type, in few
// rows and in tiles, with the slots of every rule.
func grouped() (sizes []attentionSize) {
	for i := range 3 {
		for _, kv := range shaders.KVTypes() {
			h := []int{24, 32, []int{64, 128, 128}[kv]}[i] // the larger, the longer some drivers compile
			slots := shaders.Slots{Period: 3, Rule: plain.Rule((i + int(kv)) % 4)}
			if slots.Rule == plain.RuleOne {
				slots.Period = 1
			}
			sizes = append(sizes,
				attentionSize{heads: 2, group: 3, headDim: h, contexts: []int{70, 3}, slots: slots, shards: 1 + i%2, kv: kv, gate: i != 1, rows: 19},
				attentionSize{heads: 1, group: 4, headDim: h, contexts: []int{600}, slots: shaders.Slots{Period: 1}, shards: 1, kv: kv, gate: true},
				attentionSize{heads: 3, group: 1 + i%2, headDim: h, contexts: []int{90, 30}, slots: slots, shards: 2, kv: kv, gate: i == 1, rows: 80, prefix: 17 + 32*i},
				attentionSize{heads: 2, headDim: h, contexts: []int{30, 1100}, slots: shaders.Slots{Period: 1}, shards: 1, kv: kv, gate: i == 0, prefix: 1050 - i},
				attentionSize{heads: 1, group: 5 + 2*i, headDim: h, contexts: []int{300}, slots: slots, shards: 1, kv: kv, family: heavy, rows: 67})
		}
	}
	return sizes
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
