package ref

import (
	"fmt"
	"slices"
	"strings"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Rest is the need for the operations that know neither formats of weights nor types of the KV cache, as far as greedy decoding at one depth
// takes them; Beside for those that it does not; Further for what other families than Huginn take.
const (
	Rest    = "rest"
	Beside  = "beside"
	Further = "further"
)

// Small ends the need for a product by the kernels of small models.
const Small = " small"

// quickOps are cases of one operation, a few, by the ends of their names: odd widths, heavy tails, a model's own width.
type quickOps struct {
	op    string
	names []string
}

var quickFurther = []quickOps{
	{"rmsnorm", []string{"at n=17 d=72 heavy-tailed", "at n=5 d=5280 near fp16 max"}},
	{"addnorm", []string{"n=17 d=72 heavy-tailed inside", "n=17 d=72 heavy-tailed plain", "pair n=5 d=5280 near fp16 max inside"}},
	{"advance", []string{"n=17 d=72 heavy-tailed inside end not last", "n=17 d=72 heavy-tailed plain not last"}},
	{"exitgate", []string{"n=17 d=72 heavy-tailed read", "n=5 d=5280 near fp16 max"}},
	{"retire", []string{"gates"}},
	{"scatter", []string{"vector n=17 d=72 heavy-tailed"}},
	{"gather", []string{"first n=17 d=72 heavy-tailed", "sum n=17 d=72 heavy-tailed"}},
}

var quickRest = []quickOps{
	{"rmsnorm", []string{"n=17 d=72 heavy-tailed", "n=1 d=5280 uniform"}},
	{"addnorm", []string{"n=17 d=72 heavy-tailed", "n=3 d=5280 heavy-tailed", "pair n=5 d=5280 near fp16 max"}},
	{"advance", []string{"n=17 d=72 heavy-tailed", "n=7 d=5280 zeros and denormals"}},
	{"initstate", []string{"d=328", "d=328 kept"}},
	{"move", []string{"d=257"}},
	{"argmax", []string{"vocab=4099"}},
	{"scatter", []string{"n=17 d=72 heavy-tailed"}},
	{"gather", []string{"n=17 d=72 heavy-tailed"}},
}

var quickBeside = []quickOps{
	{"edit", []string{"vocab=257 65 edits of 70", "undone vocab=257 65 edits of 70"}},
	{"sample", []string{"vocab=4099"}},
	{"topk", []string{"vocab=4099"}},
	{"compare", []string{"n=17 d=72 heavy-tailed", "n=1 d=5280 uniform"}},
	{"noise", []string{"n=17 d=1056 heavy-tailed"}},
	{"criterion", []string{"vocab=257 heavy-tailed"}},
	{"retire", []string{"each measure", "arm", "5 groups 3 steps"}},
}

// quickInt8 are those of the norms that write int8 activations.
var quickInt8 = map[string]string{"rmsnorm": "int8 n=3 d=5280 heavy-tailed", "addnorm": "pair int8 n=17 d=72 heavy-tailed"}

// KV is the need for a cache of a type with heads of so many elements, read by a rule; int8: attention may write int8 activations.
func KV(kv shaders.KVType, headDim int, rule plain.Rule, int8 bool) string {
	need := fmt.Sprintf("kv %s %d %d", kv, headDim, rule)
	if int8 {
		need += " int8"
	}
	return need
}

// Quick are a few cases for what is needed, by the kernels that a device's choices would use: "matmul q8_0", "kv f16", KV, Rest, Beside,
// Further. A need that it does not know has none.
func Quick(need string, t shaders.Tuning) (list []Case) {
	op, of, _ := strings.Cut(strings.TrimSuffix(need, Small), " ")
	all := Cases()
	pick := func(op string, match func(name string) bool) {
		for _, c := range all {
			if c.Op == op && match(c.Name) {
				list = append(list, c)
			}
		}
	}
	switch op {
	case Rest, Beside, Further:
		for _, q := range map[string][]quickOps{Rest: quickRest, Beside: quickBeside, Further: quickFurther}[need] {
			pick(q.op, func(name string) bool {
				return slices.ContainsFunc(q.names, func(end string) bool { return name == end || q.op == "criterion" && strings.HasSuffix(name, end) })
			})
		}
	case "kv":
		kv, heads, own := strings.Cut(of, " ")
		pick("qkvrope", func(name string) bool { return strings.HasPrefix(name, kv) && strings.Contains(name, "x96 ") })
		if own {
			return append(list, quickAttention(kv, heads, t)...)
		}
		pick("attention", func(name string) bool {
			name, int8 := strings.CutPrefix(name, "int8 ")
			few := strings.HasPrefix(name, kv+" one") && (!int8 && strings.Contains(name, "rows=19") || strings.Contains(name, "[1100]"))
			many := t.Queries > 0 && strings.HasPrefix(name, kv) && strings.Contains(name, "x32 contexts=[300]")
			return (few || many) && (!int8 || writesInt8(t))
		})
	case "embed":
		pick(op, func(name string) bool { return strings.HasPrefix(name, of) && strings.Contains(name, "d=328") })
	default:
		f := format.Type(of)
		list = quickSizes(op, f, t)
		if op == "matmul" && t.OnMatrixUnits(f, t.GEMVRows+1) {
			pick("halves", func(name string) bool { return strings.HasPrefix(name, "n=17") })
		}
		if op == "matmul" && t.NormRows > 0 {
			pick("matmulnorm", func(name string) bool { return strings.HasPrefix(name, of) && !strings.Contains(name, "n=5") })
		}
		if op == "matmul" && t.PaysInt8(f, 1) {
			for norm, end := range quickInt8 {
				pick(norm, func(name string) bool { return name == end })
			}
			pick("matmulnorm", func(name string) bool {
				return t.NormRows > 0 && strings.HasPrefix(strings.TrimPrefix(name, "of int8 "), "int8 "+of) && !strings.Contains(name, "n=5") ||
					t.NormRows > 0 && strings.HasPrefix(name, "of int8 "+of+" n=1")
			})
		}
	}
	return list
}

func writesInt8(t shaders.Tuning) bool {
	return t.WritesInt8(format.Q8_0, 1) || t.WritesInt8(format.Q4_0, 1)
}

// quickAttention are several segments, rows that share what is loaded, and the rule if it is another than a slot a position.
func quickAttention(kv, heads string, t shaders.Tuning) (list []Case) {
	of := slices.IndexFunc(shaders.KVTypes(), func(k shaders.KVType) bool { return k.String() == kv })
	s := attentionSize{heads: 2, contexts: []int{1100}, slots: shaders.Slots{Period: 1}, shards: 1, kv: shaders.KVType(of)}
	var rule plain.Rule
	int8 := false
	if n, _ := fmt.Sscanf(heads, "%d %d", &s.headDim, &rule); of < 0 || n < 2 || s.headDim < 2 || s.headDim > shaders.MaxHeadDim {
		return nil
	}
	if int8 = strings.HasSuffix(heads, "int8") && shaders.WholeBlocks(s.headDim) && writesInt8(t); int8 {
		s.family = heavy
	}
	sizes := []attentionSize{s}
	s.contexts, s.rows, s.family = []int{200, 3}, 19, heavy
	if sizes = append(sizes, s); rule != plain.RuleOne {
		s.slots = shaders.Slots{Rule: rule, Anchor: 2, Period: 3}
		s.contexts = []int{65, 128}
		sizes = append(sizes, s)
	}
	if t.Queries > 0 { // heads that share keys, in few rows and in many
		sizes = append(sizes, attentionSize{heads: 1, group: 2, headDim: s.headDim, contexts: []int{200}, slots: shaders.Slots{Period: 1}, shards: 1, kv: s.kv, family: heavy, rows: 67})
	}
	if int8 {
		for _, s := range slices.Clone(sizes) {
			s.int8 = true
			sizes = append(sizes, s)
		}
	}
	return each(Case{Op: "attention", Limit: attentionLimit, Why: attentionWhy}, sizes, attentionTrial)
}

// quickSizes are a row, as many as a workgroup takes, and what goes in tiles; evenly drawn, and with heavy tails, beside which a small
// error does not show. The first goes once more in parts.
func quickSizes(op string, f format.Type, t shaders.Tuning) (list []Case) {
	run := map[string]func(*trial, matmulSize){"matmul": matmulTrial, "swiglu": swigluTrial, "adapter": adapterTrial}[op]
	if run == nil || !slices.Contains(format.Types(), f) {
		return nil
	}
	var sizes []matmulSize
	for _, n := range []int{1, 7, 20, 65} {
		for _, family := range []family{uniform, heavy} {
			s := matmulSize{n: n, rows: 67, k: 328, format: f, family: family}
			if n <= 7 || n > t.GEMVRows {
				sizes = append(sizes, s)
			}
			if s.int8 = true; (n <= 7 || n > t.GEMVRows) && op != "adapter" && t.PaysInt8(f, n) {
				sizes = append(sizes, s)
				if s.writes = true; op == "swiglu" && t.WritesInt8(f, n) {
					sizes = append(sizes, s)
				}
			}
		}
	}
	list = each(Case{Op: op, Limit: matmulLimit, Why: matmulWhy}, sizes, run)
	parts := list[0]
	parts.Name, parts.cut = fmt.Sprint(parts.Name, " in parts"), true
	return append(list, parts)
}
