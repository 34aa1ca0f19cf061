package tokenizer

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// Ill-formed bytes and their replacement, from Unicode 15 tables 3-8 to 3-11 and the edges of each range.
func TestReplacement(t *testing.T) {
	const r = "\ufffd"
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"abc", "abc"}, {"é漢😀", "é漢😀"}, {r, r},
		{"\x80", r}, {"\xff", r}, {"\xc0\xaf", r + r}, {"\xc1\xbf", r + r}, {"\xc2", r}, {"\xc2A", r + "A"},
		{"\xe0\x9f\xbf", r + r + r}, {"\xe0\xa0", r}, {"\xe2\x82", r}, {"\xe2\x82A", r + "A"}, {"\xe2A\xac", r + "A" + r},
		{"\xed\xa0\x80", r + r + r}, {"\xed\x9f\xbf", "\ud7ff"}, {"\xf0\x8f\xbf\xbf", r + r + r + r}, {"\xf0\x90\x80", r},
		{"\xf4\x90\x80\x80", r + r + r + r}, {"\xf4\x8f\xbf\xbf", "\U0010ffff"}, {"\xf5\x80", r + r}, {"\xf8\x88\x80\x80\x80", r + r + r + r + r},
		{"\xf0\x80\x80\x41", r + r + r + "A"}, {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", r + r + r + r + "A"},
		{"\xf0\x9f\x98", r}, {"\xf0\x9f\x98\xf0\x9f\x98\x80", r + "😀"},
	} {
		if text, rest := appendText(nil, []byte(c.in), true); string(text) != c.want || len(rest) != 0 {
			t.Errorf("%q becomes %q, want %q", c.in, text, c.want)
		}
		// Cut anywhere, the two halves give the same.
		for i := range len(c.in) + 1 {
			text, rest := appendText(nil, []byte(c.in[:i]), false)
			if len(rest) > utf8.UTFMax-1 {
				t.Errorf("%q holds back %d bytes", c.in[:i], len(rest))
			}
			text, _ = appendText(text, append(rest[:len(rest):len(rest)], c.in[i:]...), true)
			if string(text) != c.want {
				t.Errorf("%q cut at %d becomes %q, want %q", c.in, i, text, c.want)
			}
		}
	}
}

func TestDecodeUnknownID(t *testing.T) {
	tok := parse(t, small())
	text, err := tok.Decode([]int32{0, 99, -1, 1}, false)
	if text != "ab" || !errors.Is(err, ErrUnknownID) || !strings.Contains(err.Error(), "ids[1] = 99") {
		t.Errorf("Decode = %q, %v", text, err)
	}
	if s := tok.NewStream(); s.Push(99)+s.Push(-1)+s.Flush() != "" {
		t.Error("a stream made text of ids without a token")
	}
}

// A stream gives text as soon as it is settled, and nothing that must be taken back.
func TestStream(t *testing.T) {
	tok := parseVariant(t, "demo")
	var ids []int32
	for _, b := range []byte("a😀é\xe2\x82b\xf0") {
		id, ok := tok.ID(string(byteRune[b]))
		if !ok {
			t.Fatalf("no token for byte %x", b)
		}
		ids = append(ids, id)
	}
	s := tok.NewStream()
	want := []string{"a", "", "", "", "😀", "", "é", "", "", "\ufffdb", ""}
	for round := range 2 { // Flush makes the stream new
		for i, id := range ids {
			if have := s.Push(id); have != want[i] {
				t.Errorf("round %d, push %d: %q, want %q", round, i, have, want[i])
			}
		}
		if have := s.Flush(); have != "\ufffd" {
			t.Errorf("round %d: flush %q", round, have)
		}
	}
	if have := s.Flush(); have != "" {
		t.Errorf("second flush %q", have)
	}
}

func TestSkipSpecial(t *testing.T) {
	tok := parseVariant(t, "raven")
	end, ok := tok.ID("<|end_turn|>")
	if !ok || !tok.IsSpecial(end) {
		t.Fatalf("<|end_turn|>: id %d, special %t", end, tok.IsSpecial(end))
	}
	ids := append(encode(t, tok, "Hi", EncodeOptions{}), end)
	for skip, want := range map[bool]string{true: "Hi", false: "Hi<|end_turn|>"} {
		if text, err := tok.Decode(ids, skip); err != nil || text != want {
			t.Errorf("skip %t: %q, %v", skip, text, err)
		}
	}
}
