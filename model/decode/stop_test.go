package decode

import (
	"strings"
	"testing"
)

func TestStopMatcher(t *testing.T) {
	for _, c := range []struct {
		name    string
		stops   []string
		text    string
		want    string
		stopped bool
	}{
		{"none", nil, "all of it", "all of it", false},
		{"empty string", []string{""}, "all of it", "all of it", false},
		{"not there", []string{"\nUser:"}, "a\nUs b\nUser", "a\nUs b\nUser", false},
		{"in the middle", []string{"\nUser:"}, "yes\nUser: no", "yes", true},
		{"at the start", []string{"ab"}, "abc", "", true},
		{"twice", []string{"ab"}, "1ab2ab", "1", true},
		{"false start inside", []string{"aab"}, "aaaab", "aa", true},
		{"false start of periodic", []string{"abab!"}, "ababab!", "ab", true},
		{"first complete wins", []string{"abcd", "bc"}, "abcd", "a", true},
		{"longest of those complete together", []string{"c", "abc", "bc"}, "xabc", "x", true},
		{"one is the start of another", []string{"ab", "abc"}, "xabc", "x", true},
		{"the later listed comes first", []string{"zz", "b"}, "abzz", "a", true},
		{"half of one, then another", []string{"abX", "bY"}, "abY", "a", true},
		{"runes", []string{"é"}, "caf\u00e8 caf\u00e9!", "caf\u00e8 caf", true},
		{"shared first byte of runes", []string{"→→"}, "a → b →", "a → b →", false},
	} {
		// Every way to cut the text in up to three pieces, between the bytes of a rune too, gives the same.
		for i := range len(c.text) + 1 {
			for j := i; j <= len(c.text); j++ {
				m := NewStopMatcher(c.stops)
				var got strings.Builder
				stopped := false
				for _, piece := range []string{c.text[:i], c.text[i:j], c.text[j:]} {
					var text string
					text, stopped = m.Push(piece)
					got.WriteString(text)
				}
				got.WriteString(m.Flush())
				if got.String() != c.want || stopped != c.stopped {
					t.Errorf("%s, cut at %d and %d: %q (stopped %t), want %q (stopped %t)", c.name, i, j, &got, stopped, c.want, c.stopped)
				}
			}
		}
	}
}

// TestStopMatcherHoldsBack: only what may begin a stop string waits, and it waits no longer than needed.
func TestStopMatcherHoldsBack(t *testing.T) {
	m := NewStopMatcher([]string{"\nUser:", "é!"})
	for _, c := range []struct{ push, want string }{
		{"hi\nUs", "hi"},
		{"e", ""},
		{"d to", "\nUsed to"},
		{" \xc3", " "}, // half an é stays
		{"\xa8", "è"},  // it was another rune, whole again
		{"\n\nU", "\n"},
	} {
		if got, stopped := m.Push(c.push); got != c.want || stopped {
			t.Errorf("Push(%q) = %q (stopped %t), want %q", c.push, got, stopped, c.want)
		}
	}
	if got := m.Flush(); got != "\nU" {
		t.Errorf("Flush = %q, want %q", got, "\nU")
	}
	if got, stopped := m.Push("x\nUser:y"); got != "x" || !stopped {
		t.Errorf("stop: %q (stopped %t), want x", got, stopped)
	}
	if got, stopped := m.Push("more"); got != "" || !stopped || m.Flush() != "" {
		t.Errorf("after a stop: %q (stopped %t), want nothing", got, stopped)
	}
}
