package tokenizer

import (
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// HuggingFace's library has several versions of Unicode inside: its patterns know 16, Digits 17, and its normal forms 9.

// newer lists what version 16 has and Go's tables of version 15 do not know or class otherwise: for each category a rune of it
// that no pattern names, and ranges.
var newer = []struct {
	like   rune
	ranges []rune // first, last, first, last ...
}{
	{0xA7C9, []rune{0x1C89, 0x1C89, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DA, 0xA7DC, 0xA7DC, 0x10D50, 0x10D65}}, // Lu
	{0xA7CA, []rune{0x1C8A, 0x1C8A, 0xA7CD, 0xA7CD, 0xA7DB, 0xA7DB, 0x10D70, 0x10D85}},                 // Ll
	{0x16B40, []rune{0x10D4E, 0x10D4E, 0x10D6F, 0x10D6F, 0x16D40, 0x16D42, 0x16D6B, 0x16D6C}},          // Lm
	{0x2EBE0, []rune{0x2EBF0, 0x2EE5D}}, // Lo, Han
	{0x10480, []rune{0x105C0, 0x105F3, 0x10D4A, 0x10D4D, 0x10D4F, 0x10D4F, 0x10EC2, 0x10EC4, 0x11380, 0x11389}},           // Lo
	{0x10480, []rune{0x1138B, 0x1138B, 0x1138E, 0x1138E, 0x11390, 0x113B5, 0x113B7, 0x113B7, 0x113D1, 0x113D1}},           // Lo
	{0x10480, []rune{0x113D3, 0x113D3, 0x11BC0, 0x11BE0, 0x13460, 0x143FA, 0x16100, 0x1611D, 0x16D43, 0x16D6A}},           // Lo
	{0x10480, []rune{0x18CFF, 0x18CFF, 0x1E5D0, 0x1E5ED, 0x1E5F0, 0x1E5F0}},                                               // Lo
	{0x11A01, []rune{0x897, 0x897, 0x10D69, 0x10D6D, 0x10EFC, 0x10EFC, 0x113BB, 0x113C0, 0x113CE, 0x113CE}},               // Mn
	{0x11A01, []rune{0x113D0, 0x113D0, 0x113D2, 0x113D2, 0x113E1, 0x113E2, 0x11F5A, 0x11F5A, 0x1611E, 0x16129}},           // Mn
	{0x11A01, []rune{0x1612D, 0x1612F, 0x1E5EE, 0x1E5EF}},                                                                 // Mn
	{0x11A39, []rune{0x113B8, 0x113BA, 0x113C2, 0x113C2, 0x113C5, 0x113C5, 0x113C7, 0x113CA, 0x113CC, 0x113CD}},           // Mc
	{0x11A39, []rune{0x113CF, 0x113CF, 0x1171E, 0x1171E, 0x1612A, 0x1612C}},                                               // Mc
	{0x104A0, []rune{0x10D40, 0x10D49, 0x116D0, 0x116E3, 0x11BF0, 0x11BF9, 0x16130, 0x16139, 0x16D70, 0x16D79}},           // Nd
	{0x104A0, []rune{0x1CCF0, 0x1CCF9, 0x1E5F1, 0x1E5FA}},                                                                 // Nd
	{0x10EAD, []rune{0x10D6E, 0x10D6E}},                                                                                   // Pd
	{0x11A3F, []rune{0x1B4E, 0x1B4F, 0x1B7F, 0x1B7F, 0x113D4, 0x113D5, 0x113D7, 0x113D8, 0x11BE1, 0x11BE1}},               // Po
	{0x11A3F, []rune{0x16D6D, 0x16D6F, 0x1E5FF, 0x1E5FF}},                                                                 // Po
	{0x1EEF0, []rune{0x10D8E, 0x10D8F}},                                                                                   // Sm
	{0x1F900, []rune{0x2427, 0x2429, 0x2FFC, 0x2FFF, 0x31E4, 0x31E5, 0x31EF, 0x31EF, 0x1CC00, 0x1CCEF, 0x1CD00, 0x1CEB3}}, // So
	{0x1F900, []rune{0x1F8B2, 0x1F8BB, 0x1F8C0, 0x1F8C1, 0x1FA89, 0x1FA89, 0x1FA8F, 0x1FA8F, 0x1FABE, 0x1FABE}},           // So
	{0x1F900, []rune{0x1FAC6, 0x1FAC6, 0x1FADC, 0x1FADC, 0x1FADF, 0x1FADF, 0x1FAE9, 0x1FAE9, 0x1FBCB, 0x1FBEF}},           // So
}

// newestDigits are those of version 17, for a class of a pattern.
const newestDigits = `\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}`

// later lists the runes since version 9 that move or change in a normal form, or join another.
var later = tableOf(0x7FD, 0x7FD, 0x898, 0x89F, 0x8CA, 0x8D3, 0x9FE, 0x9FE, 0xC3C, 0xC3C, 0xD3B, 0xD3C, 0xEBA, 0xEBA,
	0x1715, 0x1715, 0x1ABF, 0x1ACE, 0x1DF6, 0x1DFA, 0x32FF, 0x32FF, 0xA7F2, 0xA7F4, 0xA82C, 0xA82C, 0xAB69, 0xAB69,
	0x10781, 0x10785, 0x10787, 0x107B0, 0x107B2, 0x107BA, 0x10D24, 0x10D27, 0x10EAB, 0x10EAC, 0x10EFD, 0x10EFF, 0x10F46, 0x10F50,
	0x10F82, 0x10F85, 0x11070, 0x11070, 0x1133B, 0x1133B, 0x1145E, 0x1145E, 0x11839, 0x1183A, 0x11930, 0x11930, 0x11938, 0x11938,
	0x1193D, 0x1193E, 0x11943, 0x11943, 0x119E0, 0x119E0, 0x11A34, 0x11A34, 0x11A47, 0x11A47, 0x11A99, 0x11A99, 0x11D42, 0x11D42,
	0x11D44, 0x11D45, 0x11D97, 0x11D97, 0x11F41, 0x11F42, 0x16FF0, 0x16FF1, 0x1E030, 0x1E06D, 0x1E08F, 0x1E08F, 0x1E130, 0x1E136,
	0x1E2AE, 0x1E2AE, 0x1E2EC, 0x1E2EF, 0x1E4EC, 0x1E4EF, 0x1F16C, 0x1F16C, 0x1FBF0, 0x1FBF9)

// tableOf is a table of ranges: first, last, first, last ...
func tableOf(ranges ...rune) *unicode.RangeTable {
	t := &unicode.RangeTable{}
	for r := range slices.Chunk(ranges, 2) {
		t.R32 = append(t.R32, unicode.Range32{Lo: uint32(r[0]), Hi: uint32(r[1]), Stride: 1})
	}
	return t
}

// standIns holds a range of newer and the rune to take in its place, in order.
var standIns = func() (out [][3]rune) {
	for _, n := range newer {
		for r := range slices.Chunk(n.ranges, 2) {
			out = append(out, [3]rune{r[0], r[1], n.like})
		}
	}
	slices.SortFunc(out, func(a, b [3]rune) int { return int(a[0] - b[0]) })
	return out
}()

// known is r, or a rune of its category that Go's tables have.
func known(r rune) rune {
	if r < 0x897 {
		return r
	}
	at, found := slices.BinarySearchFunc(standIns, r, func(s [3]rune, r rune) int { return int(s[0] - r) })
	if !found {
		at--
	}
	if s := standIns[at]; r <= s[1] {
		return s[2]
	}
	return r
}

// normalForm rewrites a text in one of Unicode's forms, by the tables of version 9.
type normalForm struct {
	form, parts norm.Form // parts: that which takes apart
}

var normalForms = map[string]normalForm{
	"NFC": {norm.NFC, norm.NFD}, "NFD": {norm.NFD, norm.NFD}, "NFKC": {norm.NFKC, norm.NFKD}, "NFKD": {norm.NFKD, norm.NFKD}}

// apply does it a rune at a time where something is to be done: x/text parts more than 30 marks on a letter by U+034F.
func (f normalForm) apply(text string) string {
	done := f.form.QuickSpanString(text)
	if done == len(text) {
		return text
	}
	return text[:done] + string(f.compose(f.decompose(text[done:])))
}

// mark is a rune and its combining class; 0: it begins anew.
type mark struct {
	r     rune
	class uint8
}

func (f normalForm) decompose(text string) (out []mark) {
	var b []byte
	for _, r := range text {
		if unicode.Is(later, r) {
			out = append(out, mark{r, 0})
			continue
		}
		b = f.parts.AppendString(b[:0], string(r))
		for _, part := range string(b) {
			out = append(out, mark{part, norm.NFD.PropertiesString(string(part)).CCC()})
		}
	}
	for at := 0; at < len(out); at++ {
		from := at
		for at < len(out) && out[at].class > 0 {
			at++
		}
		slices.SortStableFunc(out[from:at], func(a, b mark) int { return int(a.class) - int(b.class) })
	}
	return out
}

func (f normalForm) compose(in []mark) (out []rune) {
	starter, last := -1, uint8(0) // its place in out, and the class of the rune before
	for _, m := range in {
		if f.form != f.parts && starter >= 0 && (last < m.class || starter == len(out)-1) {
			if both, ok := join(out[starter], m.r); ok {
				out[starter] = both
				continue
			}
		}
		if last = m.class; last == 0 {
			starter = len(out)
		}
		out = append(out, m.r)
	}
	return out
}

// join is the one rune that two are in composed form, if there is.
func join(a, b rune) (rune, bool) {
	if unicode.Is(later, a) || unicode.Is(later, b) {
		return 0, false
	}
	both := []rune(norm.NFC.String(string([]rune{a, b})))
	return both[0], len(both) == 1
}
