package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A stand-in is in no range itself, and Go knows it; ranges are in order and do not overlap.
func TestStandIns(t *testing.T) {
	for i, s := range standIns {
		if s[0] > s[1] || i > 0 && s[0] <= standIns[i-1][1] {
			t.Errorf("%U to %U follows %U", s[0], s[1], standIns[max(0, i-1)][1])
		}
		if known(s[2]) != s[2] || unicode.Is(unicode.Cn, s[2]) || known(s[0]) != s[2] || known(s[1]) != s[2] {
			t.Errorf("%U stands for %U", s[2], s[0])
		}
	}
	for _, r := range []rune{0, 'a', 0x896, 0x898, 0x1171D, 0x1171F, 0x2EE5E, unicode.MaxRune} {
		if known(r) != r {
			t.Errorf("%U became %U", r, known(r))
		}
	}
}

// Marks are put in order and joined by the rules and tables of Unicode 9, however many there are.
func TestNormalForms(t *testing.T) {
	acutes := strings.Repeat("\u0301", 40)
	for _, c := range []struct{ form, text, want string }{
		{"NFC", "", ""}, {"NFC", "plain", "plain"}, {"NFC", "e\u0301", "\u00e9"}, {"NFC", "\u212b", "\u00c5"},
		{"NFC", "a" + acutes + "\u0334", "\u00e1\u0334" + acutes[2:]}, {"NFD", "\u00e1" + acutes + "\u0334", "a\u0334\u0301" + acutes},
		{"NFC", "a\u0302\u0301", "\u1ea5"}, {"NFC", "a\u0323\u0302\u0301", "\u1ead\u0301"}, {"NFC", "a\u0301\u0302", "\u00e1\u0302"},
		{"NFC", "a\u0d3b\u0301", "a\u0d3b\u0301"}, {"NFC", "a\u0345\u0d3b", "a\u0345\u0d3b"}, {"NFC", "\u0345\u0334", "\u0334\u0345"},
		{"NFC", "\U00011935\U00011930", "\U00011935\U00011930"}, {"NFKC", "\u32ff \ufb01", "\u32ff fi"},
		{"NFC", "\u1100\u1161\u11a8", "\uac01"}, {"NFD", "\uac01", "\u1100\u1161\u11a8"}, {"NFC", "\u0958", "\u0915\u093c"},
		{"NFC", "\u0344", "\u0308\u0301"}, {"NFC", "\u09c7\u0334\u09be", "\u09c7\u0334\u09be"}, {"NFC", "\u09c7\u09be", "\u09cb"},
	} {
		if have := normalForms[c.form].apply(c.text); have != c.want {
			t.Errorf("%s of %+q is %+q, want %+q", c.form, c.text, have, c.want)
		}
	}
}

// Splits know the letters and digits of newer versions of Unicode than Go does.
func TestNewerRunes(t *testing.T) {
	tok := parse(t, small("PRE", `{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"Split","pattern":{"Regex":"\\p{Lu}"},"behavior":"Isolated"}]}`))
	pieces := []string{"a\U00010D50\U00011DE0\U000116D0b"}
	for _, s := range tok.stages {
		var err error
		if pieces, _, err = s(pieces, newBudget(0)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"a", "\U00010D50", "\U00011DE0\U000116D0", "b"}; !slices.Equal(pieces, want) {
		t.Errorf("%q, want %q", pieces, want)
	}
}
