package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Byte-level BPE writes each byte as a printable rune: printable Latin-1 stands for itself, the other 68
// bytes take the runes from U+0100 on, in order.

var (
	byteRune [256]rune
	runeByte [0x144]int16 // -1: not in the alphabet
)

func init() {
	for i := range runeByte {
		runeByte[i] = -1
	}
	next := rune(0x100)
	for b := range 256 {
		r := rune(b)
		if r <= ' ' || r >= 0x7F && r <= 0xA0 || r == 0xAD {
			r = next
			next++
		}
		byteRune[b] = r
		runeByte[r] = int16(b)
	}
}

// AppendAlphabet appends text written in the byte alphabet.
func AppendAlphabet(dst []byte, text string) []byte {
	for i := range len(text) {
		dst = append(dst, string(byteRune[text[i]])...)
	}
	return dst
}

// alphabetBytes undoes AppendAlphabet. A token with any rune outside the alphabet is returned as it is.
func alphabetBytes(token string) string {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		if int(r) >= len(runeByte) || runeByte[r] < 0 {
			return token
		}
		out = append(out, byte(runeByte[r]))
	}
	return string(out)
}

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
