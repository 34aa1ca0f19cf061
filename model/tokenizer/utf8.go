package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// CleanUTF8 replaces every byte of text that is not part of valid UTF-8 by U+FFFD, one for each byte, and
// reports whether there was any. Encode does the same without a word; call CleanUTF8 first to warn the user.
func CleanUTF8(text string) (string, bool) {
	if utf8.ValidString(text) {
		return text, false
	}
	return string([]rune(text)), true
}

// appendText appends p to dst with each maximal subpart of an ill-formed sequence (Unicode 15, section 3.9) replaced by
// U+FFFD. Unless final is set, a rune cut off at the end of p is left alone; rest is that remainder.
func appendText(dst, p []byte, final bool) (text, rest []byte) {
	at := len(dst)
	dst = append(dst, make([]byte, len(string(utf8.RuneError))*len(p))...) // the most that p becomes
	n, used, _ := unicode.UTF8.NewDecoder().Transform(dst[at:], p, final)
	return dst[:at+n], p[used:]
}
