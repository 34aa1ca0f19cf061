package tokenizer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var propForm = regexp.MustCompile(`^\{([A-Za-z_]+)\}`)

// class translates a character class.
func (t *translator) class() error {
	t.emit("[", 1)
	if strings.HasPrefix(t.src[t.at:], "^") {
		t.emit("^", 1)
	}
	for first := true; t.at < len(t.src); first = false {
		rest := t.src[t.at:]
		switch {
		case rest[0] == ']' && first:
			return unsupportedPattern("[]")
		case rest[0] == ']':
			t.emit("]", 1)
			return nil
		case rest[0] == '[':
			return unsupportedPattern(rest[:min(9, len(rest))] + " inside [")
		case strings.HasPrefix(rest, "&&"):
			return unsupportedPattern("&& inside [")
		case rest[0] == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			_, n := utf8.DecodeRuneInString(rest)
			if n > 1 && t.folding() {
				return unsupportedPattern("(?i) with " + rest[:n])
			}
			t.emit(rest[:n], n)
		}
	}
	return fileErrorf("split pattern: [ without ]")
}

// escape translates a backslash escape.
func (t *translator) escape(inClass bool) error {
	rest := t.src[t.at:]
	r, n := utf8.DecodeRuneInString(rest[1:])
	if n == 0 {
		return fileErrorf("split pattern ends in a backslash")
	}
	if t.folding() && (r == 'p' || r == 'P' || r == 'w' || r == 'W') {
		return unsupportedPattern(`(?i) with \` + string(r)) // whether a property folds differs
	}
	pick := func(inside, outside string) error {
		out := outside
		if inClass {
			out = inside
		}
		if out == "" {
			return unsupportedPattern(`\` + string(r) + " inside [")
		}
		t.emit(out, 2)
		return nil
	}
	switch r {
	case 's', 'S', 'd', 'D', 'n', 't', 'r', 'f', 'v', 'a', 'e':
		t.emit(rest[:2], 2)
		return nil
	case 'A', 'z', 'Z':
		return pick("", rest[:2])
	case 'w':
		return pick(wordSet, word)
	case 'W':
		return pick("", `[^`+wordSet+latinWord+`]`)
	case 'b':
		return pick(`\b`, boundary) // a backspace inside a class
	case 'B':
		return pick("", notBoundary)
	case 'h':
		return pick(`0-9A-Fa-f`, `[0-9A-Fa-f]`)
	case 'H':
		return pick("", `[^0-9A-Fa-f]`)
	case 'p', 'P':
		m := propForm.FindStringSubmatch(rest[2:])
		if m == nil || !knownProperty(m[1]) {
			return unsupportedPattern(rest[:min(12, len(rest))])
		}
		t.emit(rest[:2]+m[0], 2+len(m[0]))
		return nil
	case 'x', 'u':
		return t.codePoint(rest)
	}
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return unsupportedPattern(rest[:2])
	}
	t.emit(quoteLiteral(string(r)), 1+n)
	return nil
}

// codePoint translates \xHH, \x{H...} and \uHHHH.
func (t *translator) codePoint(rest string) error {
	digits, length := "", 0
	switch {
	case strings.HasPrefix(rest, `\x{`):
		digits, _, _ = strings.Cut(rest[3:], "}")
		length = len(digits) + 4
	case rest[1] == 'x':
		digits, length = rest[2:min(4, len(rest))], 4
	default:
		digits, length = rest[2:min(6, len(rest))], 6
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	// \xHH above 7F is a byte to Oniguruma, not a code point.
	if err != nil || length > len(rest) || !utf8.ValidRune(rune(v)) || rest[1] == 'x' && rest[2] != '{' && v > 0x7F {
		return unsupportedPattern(rest[:min(6, len(rest))])
	}
	t.emit(quoteLiteral(string(rune(v))), length)
	return nil
}

// knownProperty accepts the general categories and scripts that both engines spell alike.
func knownProperty(name string) bool {
	if _, ok := unicode.Categories[name]; ok && len(name) <= 2 {
		return true
	}
	_, ok := unicode.Scripts[name]
	return ok
}
