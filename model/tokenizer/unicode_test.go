package tokenizer

import (
	"strings"
	"testing"
	"unicode"
)

// newer holds the characters of Unicode 15.1 and 16.0. The library that made the goldens (Oniguruma with
// Unicode 16) knows them as letters, marks, digits and symbols; Go's tables are those of Unicode 15.0, where
// they are unassigned, so \p{..} and \w do not match them. Text that holds one of them may split differently.
var newer = [][2]rune{
	{0x897, 0x897}, {0x1B4E, 0x1B4F}, {0x1B7F, 0x1B7F}, {0x1C89, 0x1C8A}, {0x2427, 0x2429}, {0x2FFC, 0x2FFF},
	{0x31E4, 0x31E5}, {0x31EF, 0x31EF}, {0xA7CB, 0xA7CD}, {0xA7DA, 0xA7DC}, {0x105C0, 0x105F3},
	{0x10D40, 0x10D65}, {0x10D69, 0x10D85}, {0x10D8E, 0x10D8F}, {0x10EC2, 0x10EC4}, {0x10EFC, 0x10EFC},
	{0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113C0},
	{0x113C2, 0x113C2}, {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D5}, {0x113D7, 0x113D8},
	{0x113E1, 0x113E2}, {0x116D0, 0x116E3}, {0x11BC0, 0x11BE1}, {0x11BF0, 0x11BF9}, {0x11F5A, 0x11F5A},
	{0x13460, 0x143FA}, {0x16100, 0x16139}, {0x16D40, 0x16D79}, {0x18CFF, 0x18CFF}, {0x1CC00, 0x1CCF9},
	{0x1CD00, 0x1CEB3}, {0x1E5D0, 0x1E5FA}, {0x1E5FF, 0x1E5FF}, {0x1F8B2, 0x1F8BB}, {0x1F8C0, 0x1F8C1},
	{0x1FA89, 0x1FA89}, {0x1FA8F, 0x1FA8F}, {0x1FABE, 0x1FABE}, {0x1FAC6, 0x1FAC6}, {0x1FADC, 0x1FADC},
	{0x1FADF, 0x1FADF}, {0x1FAE9, 0x1FAE9}, {0x1FBCB, 0x1FBEF}, {0x2EBF0, 0x2EE5D},
}

// newerTexts is how many of the code point texts differ for that reason, with Go's tables of Unicode 15.0.0.
// With other tables fewer or other texts differ, and the count is not checked.
var newerTexts = map[string]int{"raven": 70, "plainspecials": 70}

func hasNewer(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		for _, n := range newer {
			if n[0] <= r && r <= n[1] {
				return true
			}
		}
		return false
	})
}

// The list excuses differences, so nothing may be on it that Go's tables do know.
func TestNewerIsUnassigned(t *testing.T) {
	if unicode.Version != "15.0.0" {
		t.Logf("Go has Unicode %s tables; the list was made for 15.0.0", unicode.Version)
		return
	}
	for _, n := range newer {
		for r := n[0]; r <= n[1]; r++ {
			if !unicode.Is(unicode.Cn, r) {
				t.Errorf("%U is assigned", r)
			}
		}
	}
}
