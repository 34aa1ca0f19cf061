package tokenizer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	propForm = regexp.MustCompile(`^\{([A-Za-z_]+)\}`)
	codeForm = regexp.MustCompile(`^\\(?:x\{([0-9A-Fa-f]+)\}|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))`)
)

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
			return t.unsupported("[]")
		case rest[0] == ']':
			t.emit("]", 1)
			return nil
		case rest[0] == '[':
			return t.unsupported(rest[:min(9, len(rest))] + " inside [")
		case strings.HasPrefix(rest, "&&"):
			return t.unsupported("&& inside [")
		case rest[0] == '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		default:
			_, n := utf8.DecodeRuneInString(rest)
			if n > 1 && t.folding() {
				return t.unsupported("(?i) with " + rest[:n])
			}
			t.emit(rest[:n], n)
		}
	}
	return fileErrorf("split pattern: [ without ]")
}

// escapes are spelt otherwise inside and outside a class; empty: there is no such thing.
var escapes = map[rune]struct{ inside, outside string }{
	'A': {"", `\A`}, 'z': {"", `\z`}, 'Z': {"", `\Z`},
	'w': {wordSet, word}, 'W': {"", `[^` + wordSet + latinWord + `]`},
	'b': {`\b`, boundary}, 'B': {"", notBoundary}, // \b is a backspace inside a class
	'h': {`0-9A-Fa-f`, `[0-9A-Fa-f]`}, 'H': {"", `[^0-9A-Fa-f]`},
}

// escape translates a backslash escape.
func (t *translator) escape(inClass bool) error {
	rest := t.src[t.at:]
	r, n := utf8.DecodeRuneInString(rest[1:])
	if n == 0 {
		return fileErrorf("split pattern ends in a backslash")
	}
	if t.folding() && (r == 'p' || r == 'P' || r == 'w' || r == 'W') {
		return t.unsupported(`(?i) with \` + string(r)) // whether a property folds differs
	}
	if e, ok := escapes[r]; ok {
		out := e.outside
		if inClass {
			out = e.inside
		}
		if out == "" {
			return t.unsupported(`\` + string(r) + " inside [")
		}
		t.emit(out, 2)
		return nil
	}
	switch r {
	case 's', 'S', 'd', 'D', 'n', 't', 'r', 'f', 'v', 'a', 'e':
		t.emit(rest[:2], 2)
		return nil
	case 'p', 'P':
		m := propForm.FindStringSubmatch(rest[2:])
		if m == nil || !knownProperty(m[1]) {
			return t.unsupported(rest[:min(12, len(rest))])
		}
		t.emit(rest[:2]+m[0], 2+len(m[0]))
		return nil
	case 'x', 'u':
		return t.codePoint(rest)
	}
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return t.unsupported(rest[:2])
	}
	t.emit(quoteLiteral(string(r)), 1+n)
	return nil
}

// codePoint translates \xHH, \x{H...} and \uHHHH.
func (t *translator) codePoint(rest string) error {
	m := codeForm.FindStringSubmatch(rest)
	if m == nil {
		return t.unsupported(rest[:min(6, len(rest))])
	}
	v, err := strconv.ParseUint(m[1]+m[2]+m[3], 16, 32)
	// \xHH above 7F is a byte to Oniguruma, not a code point.
	if err != nil || !utf8.ValidRune(rune(v)) || m[2] != "" && v > 0x7F {
		return t.unsupported(rest[:min(6, len(rest))])
	}
	t.emit(quoteLiteral(string(rune(v))), len(m[0]))
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
