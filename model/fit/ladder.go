package fit

import (
	"cmp"
	"fmt"

	"muninn/model/decode"
	"muninn/shaders"
	"muninn/shaders/format"
)

// lookup is the default rule for a model, with so many core steps that have a slot; 0 for all of them.
func (m Model) lookup(slots int) decode.Lookup {
	name := decode.DefaultLookup
	core := m.Config.NLayersInRecurrentBlock
	if slots > 0 {
		name = fmt.Sprintf("%s-compress-s%d", name, slots*core)
	}
	l, err := decode.ParseLookup(name, core)
	if err != nil {
		panic(err) // the names above are always understood
	}
	return l
}

// rowCounts are how many rows a pass may have: fewer make a long prompt slower and nothing else.
func rowCounts(w Wish) []int {
	if w.Session.Rows > 0 {
		return []int{w.Session.Rows}
	}
	return []int{0, 128}
}

// quants are the formats to try, best first: as stored, which is nil, then what takes less.
func (m Model) quants(w Wish) []*format.Type {
	if w.Quant != nil {
		return []*format.Type{w.Quant}
	}
	list := []*format.Type{nil}
	size := func(f format.Type) uint64 { return shaders.MatrixBytes(1, 64, f) }
	for _, f := range []format.Type{format.BF16, format.Q8_0, format.Q4_0} {
		if size(f) < size(m.Stored) {
			list = append(list, &f)
		}
	}
	return list
}

// cache is a KV rule and type to try.
type cache struct {
	lookup decode.Lookup
	kv     shaders.KVType
	gentle bool // worth keeping wider weights for
}

// caches are the caches to try, best first: 8-bit blocks lose less than sharing slots, and a Huginn keeps
// its answers with 4 slots for the core steps (compress-s16), less surely with 2 or 1. KV in float32 is for comparisons: it is
// taken only when asked for.
func (m Model) caches(w Wish) []cache {
	types := []shaders.KVType{shaders.KVF16, shaders.KVQ8}
	if w.KV != nil {
		types = []shaders.KVType{*w.KV}
	}
	var list []cache
	sharing := []int{0, 4, 2, 1}
	if m.Config.MostSteps() > 0 { // a few core steps, none of which stands for another
		sharing = sharing[:1]
	}
	for _, slots := range sharing {
		for _, kv := range types {
			if w.Lookup == nil {
				list = append(list, cache{m.lookup(slots), kv, slots == 0 || slots >= 4})
			} else if slots == 0 { // once for each type
				list = append(list, cache{*w.Lookup, kv, true})
			}
		}
	}
	return list
}

// contexts are the context lengths to try, longest first.
func (m Model) contexts(w Wish) []int {
	want := cmp.Or(w.Context, m.Config.BlockSize)
	list := []int{want}
	if w.ContextFixed {
		return list
	}
	floor := max(Floor, w.Least)
	for n := 1 << 24; n > floor; n /= 2 {
		if n < want {
			list = append(list, n)
		}
	}
	if floor < want {
		list = append(list, floor)
	}
	return list
}

func (m Model) steps(w Wish) int {
	return cmp.Or(max(w.Session.MaxSteps, 0), m.Config.MeanRecurrence)
}

// candidates are the settings to try, in order of preference.
func (m Model) candidates(w Wish) []Setting {
	quants, contexts := m.quants(w), m.contexts(w)
	var list []Setting
	add := func(quant *format.Type, context int, gentleOnly bool) {
		for _, c := range m.caches(w) {
			if gentleOnly && !c.gentle {
				continue
			}
			for _, rows := range rowCounts(w) {
				list = append(list, Setting{Quant: quant, Lookup: c.lookup, KV: c.kv, Context: context, Rows: rows, Steps: m.steps(w)})
			}
		}
	}
	for _, q := range quants {
		add(q, contexts[0], true)
	}
	for _, n := range contexts {
		add(quants[len(quants)-1], n, false)
	}
	return list
}
