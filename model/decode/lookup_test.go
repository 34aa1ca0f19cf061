package decode

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"muninn/shaders/plain"
)

func TestParseLookup(t *testing.T) {
	for _, c := range []struct {
		name           string
		blocks         int
		rule           plain.Rule
		anchor, period int
	}{
		{"full", 4, plain.RuleFull, 0, Uncompressed},
		{"skip", 4, plain.RuleFull, 0, Uncompressed},
		{"latest-m4", 4, plain.RuleLatest, 0, Uncompressed},
		{"available-m4", 4, plain.RuleLatest, 0, Uncompressed},
		{"always-last-m4", 4, plain.RuleAlwaysLast, 0, Uncompressed},
		{"latest-m4", 2, plain.RuleLatest, 0, Uncompressed}, // m4 is the model's own number of core blocks
		{"latest-m4-compress-s4", 4, plain.RuleLatest, 0, 1},
		{"latest-m4-compress-s4", 2, plain.RuleLatest, 0, 2},
		{"latest-m4-compress-s16", 4, plain.RuleLatest, 0, 4},
		{"always-last-m4-compress-s8", 4, plain.RuleAlwaysLast, 0, 2},
		{"full-compress-s8", 4, plain.RuleFull, 0, 2},
		{"latest-m4-compress-anchor", 4, plain.RuleLatest, 8, 1},
		{"compress-s16", 4, plain.RuleLatest, 0, 4},
		{"compress-anchor", 4, plain.RuleLatest, 8, 1},
	} {
		l, err := ParseLookup(c.name, c.blocks)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if l.Rule != c.rule || l.Anchor != c.anchor || l.Period != c.period || l.String() != c.name {
			t.Errorf("%s on %d blocks = rule %d anchor %d period %d name %q, want rule %d anchor %d period %d",
				c.name, c.blocks, l.Rule, l.Anchor, l.Period, l, c.rule, c.anchor, c.period)
		}
	}
}

func TestParseLookupRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "known: full, skip, latest-m4",
		"newest":                 "known: full, skip, latest-m4",
		"latest-m8":              "known: full, skip, latest-m4",
		"latest-m4compress-s4":   "known: ",
		"latest-m4-compress-":    "known: ",
		"latest-m4-compress-s":   "known: ",
		"latest-m4-compress-s-4": "known: ",
		"latest-m4-compress-s4x": "known: ",
		"latest-m4-compress-s9999999999999999999999": "known: ",
		"latest-m4-compress-s6":                      "use a multiple of 4",
		"latest-m4-compress-s0":                      "use a multiple of 4",
		"latest-m4-compress-r3":                      "a multiple or a divisor of 4",
		"latest-m4-compress-r0":                      "a multiple or a divisor of 4",
		"randomized":                                 "random earlier step",
		"randomized-compress-s4":                     "random earlier step",
	} {
		_, err := ParseLookup(name, 4)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "model: ") {
			t.Errorf("ParseLookup(%q) error = %v, want one with %q", name, err, want)
		}
		refused := strings.HasPrefix(name, "randomized")
		if errors.Is(err, ErrLookupUnsupported) != refused {
			t.Errorf("ParseLookup(%q): wraps ErrLookupUnsupported = %t, want %t", name, !refused, refused)
		}
	}
	if _, err := ParseLookup("full", 0); err == nil {
		t.Error("a model without core blocks was accepted")
	}
}

// TestLookupSlots: which slot each core step is written to, and how many slots that takes.
func TestLookupSlots(t *testing.T) {
	for name, want := range map[string]string{
		"full":            "0 1 2 3 4 5 6 7 8 9 10 11 in 12",
		"compress-s4":     "0 0 0 0 0 0 0 0 0 0 0 0 in 1",
		"compress-s16":    "0 1 2 3 0 1 2 3 0 1 2 3 in 4",
		"compress-anchor": "0 1 2 3 4 5 6 7 8 8 8 8 in 9",
		"compress-r2":     "0 1 2 3 4 5 6 7 8 9 10 11 in 12",
		"compress-r4":     "0 1 2 3 4 5 6 7 8 9 10 11 in 12",
		"compress-r12":    "0 0 0 1 1 1 2 2 2 3 3 3 in 4",
	} {
		l, err := ParseLookup(name, 4)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for step := range 12 {
			fmt.Fprintf(&got, "%d ", l.Slot(step))
		}
		fmt.Fprintf(&got, "in %d", l.Stored(12))
		if got.String() != want {
			t.Errorf("%s: slots of steps 0.. = %s, want %s", name, &got, want)
		}
	}
}

// TestLookupSlotsAfterAnchor: with several shared slots the first step after the anchor takes the first of them.
func TestLookupSlotsAfterAnchor(t *testing.T) {
	l := Lookup{Slots: plain.Slots{Rule: plain.RuleLatest, Every: 1, Anchor: 3, Period: 2}}
	for step, want := range []int{0, 1, 2, 3, 4, 3, 4} {
		if got := l.Slot(step); got != want {
			t.Errorf("slot of step %d is %d, want %d", step, got, want)
		}
	}
}

func TestLookupSelect(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		name        string
		own, stored int
		anyMissing  bool
		want        int
	}{
		{"full", 3, 8, true, 3},
		{"full", 3, 4, true, 3},
		{"full", 3, 3, true, none},
		{"full", 0, 0, true, none},
		{"latest-m4", 3, 8, true, 3},
		{"latest-m4", 3, 2, true, 1},
		{"latest-m4", 3, 0, true, none}, // a position processed with no core step at all
		{"always-last-m4", 3, 8, false, 3},
		{"always-last-m4", 3, 8, true, 7}, // deeper than the reader
		{"always-last-m4", 3, 2, true, 1},
		{"always-last-m4", 3, 0, true, none},
	} {
		l, err := ParseLookup(c.name, 4)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := l.Select(c.own, c.stored, c.anyMissing)
		if !ok {
			got = none
		}
		if got != c.want {
			t.Errorf("%s: reader at slot %d of a position with %d slots (any missing: %t) gets %d, want %d",
				c.name, c.own, c.stored, c.anyMissing, got, c.want)
		}
	}
}
