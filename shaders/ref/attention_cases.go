package ref

import (
	"fmt"
	"muninn/shaders"
	"muninn/shaders/plain"
	"slices"
)

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
