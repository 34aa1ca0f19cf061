package tokenizer

import "unicode/utf8"

// CleanUTF8 replaces every byte of text that is not part of valid UTF-8 by U+FFFD, one for each byte, and
// reports whether there was any. Encode does the same without a word; call CleanUTF8 first to warn the user.
func CleanUTF8(text string) (string, bool) {
	if utf8.ValidString(text) {
		return text, false
	}
	return string([]rune(text)), true
}

// runeState says what the beginning of a byte slice is.
type runeState int

const (
	runeValid   runeState = iota // a whole rune
	runeBroken                   // bytes that can never become a rune
	runePartial                  // the slice ends inside a rune that is right so far
)

// nextRune looks at the first rune of p, which is not empty. n is its length, or the length of the maximal
// subpart of an ill-formed sequence (Unicode 15, section 3.9), which decoders replace by one U+FFFD.
func nextRune(p []byte) (n int, state runeState) {
	lo, hi := byte(0x80), byte(0xBF) // allowed second byte
	need := 0
	switch b := p[0]; {
	case b < 0x80:
		return 1, runeValid
	case b >= 0xC2 && b <= 0xDF:
		need = 1
	case b >= 0xE0 && b <= 0xEF:
		need = 2
		if b == 0xE0 {
			lo = 0xA0
		} else if b == 0xED {
			hi = 0x9F
		}
	case b >= 0xF0 && b <= 0xF4:
		need = 3
		if b == 0xF0 {
			lo = 0x90
		} else if b == 0xF4 {
			hi = 0x8F
		}
	default:
		return 1, runeBroken
	}
	for i := 1; i <= need; i++ {
		if i == len(p) {
			return i, runePartial
		}
		if p[i] < lo || p[i] > hi {
			return i, runeBroken
		}
		lo, hi = 0x80, 0xBF
	}
	return need + 1, runeValid
}

// appendText appends p to dst with ill-formed parts replaced. Unless final is set, a rune cut off at the end
// of p is left alone; rest is that remainder.
func appendText(dst, p []byte, final bool) (text, rest []byte) {
	for len(p) > 0 {
		n, state := nextRune(p)
		if state == runePartial && !final {
			break
		}
		if state == runeValid {
			dst = append(dst, p[:n]...)
		} else {
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
		p = p[n:]
	}
	return dst, p
}
