package tokenizer

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// HuggingFace compiles patterns with Oniguruma in its Ruby-like syntax, regexp2 follows .NET. translate
// rewrites what is spelt differently and refuses what cannot be rewritten, so that no pattern is accepted
// which then splits in other places than it does in Python.

const (
	maxPatternLength = 64 << 10
	maxPatternDepth  = 64
	maxRepeat        = 1000
)

// Oniguruma's \w, as members of a character class. .NET's lacks spacing marks, letter numbers and the
// circled letters. Outside a class, and for \b, Oniguruma reads Latin-1 from an older table that has six more.
const wordSet = `\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\p{Other_Alphabetic}\p{Other_Lowercase}\p{Other_Uppercase}`

const (
	latinWord   = "\u00b2\u00b3\u00b9\u00bc\u00bd\u00be"
	word        = `[` + wordSet + latinWord + `]`
	boundary    = `(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`
	notBoundary = `(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`
	lineStart   = `(?:\A|(?<=\n)(?!\z))`
	lineEnd     = `(?=\n|\z)`
)

var (
	repeatForm = regexp.MustCompile(`^\{(\d+)(?:(,)(\d*))?\}`)
	groupForm  = regexp.MustCompile(`^\((?:\?(?::|=|!|<=|<!|>|([im]*(?:-[im]+)?)(:|\))))?`)
)

type translator struct {
	src    string
	where  string // in the file
	at     int
	out    strings.Builder
	folds  []bool // ignore-case of each open group, the pattern itself first
	before byte   // literal just before, for pairs that fold to one rune
}

func translate(source, where string) (string, error) {
	if len(source) > maxPatternLength {
		return "", fileErrorf("split pattern of %d bytes, at most %d are accepted", len(source), maxPatternLength)
	}
	t := &translator{src: source, where: where, folds: []bool{false}}
	for t.at < len(t.src) {
		if err := t.item(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

func (t *translator) unsupported(construct string) error { return unsupported(t.where, construct) }

func (t *translator) folding() bool { return t.folds[len(t.folds)-1] }

// emit writes out and steps over n bytes of the source.
func (t *translator) emit(out string, n int) {
	t.out.WriteString(out)
	t.at += n
}

// item translates one construct outside a character class.
func (t *translator) item() error {
	rest := t.src[t.at:]
	before := t.before
	t.before = 0
	switch c := rest[0]; c {
	case '\\':
		return t.escape(false)
	case '[':
		return t.class()
	case '(':
		return t.group(rest)
	case ')':
		if len(t.folds) == 1 {
			return fileErrorf("split pattern: unmatched )")
		}
		t.folds = t.folds[:len(t.folds)-1]
		t.emit(")", 1)
	case '^':
		t.emit(lineStart, 1)
	case '$':
		t.emit(lineEnd, 1)
	case '{':
		return t.repeat(rest)
	case '}', ']':
		t.emit(`\`+rest[:1], 1)
	case '*', '+', '?', '|', '.':
		t.emit(rest[:1], 1)
	default:
		_, n := utf8.DecodeRuneInString(rest)
		if t.folding() {
			// Oniguruma folds some pairs of letters into one rune (ss and U+00DF); regexp2 does not.
			if n > 1 {
				return t.unsupported("(?i) with " + rest[:n])
			}
			c |= 0x20
			switch string([]byte{before, c}) {
			case "ss", "st", "ff", "fi", "fl":
				return t.unsupported("(?i) with " + string([]byte{before, c}))
			}
			t.before = c
		}
		t.emit(quoteLiteral(rest[:n]), n)
	}
	return nil
}

// quoteLiteral writes one literal rune so that regexp2 takes it as itself.
func quoteLiteral(r string) string {
	if strings.Contains(`\[](){}^$*+?|.#-`, r) || r == " " {
		return `\` + r
	}
	return r
}

func (t *translator) group(rest string) error {
	if len(t.folds) >= maxPatternDepth {
		return fileErrorf("split pattern: groups nested more than %d deep", maxPatternDepth)
	}
	m := groupForm.FindStringSubmatch(rest)
	out := m[0]
	if out == "(" {
		if strings.HasPrefix(rest, "(?") || strings.HasPrefix(rest, "(*") {
			return t.unsupported(rest[:min(4, len(rest))])
		}
		out = "(?:" // captures are of no use without back references
	}
	on, off, _ := strings.Cut(m[1], "-")
	fold := (t.folding() || strings.Contains(on, "i")) && !strings.Contains(off, "i")
	if m[2] == ")" {
		// Elsewhere Oniguruma lets the flag change how | groups.
		if t.at != 0 {
			return t.unsupported(m[0] + " inside a pattern")
		}
		t.folds[0] = fold
	} else {
		t.folds = append(t.folds, fold)
	}
	// Ruby's m is what .NET calls s: the dot matches newlines.
	t.emit(strings.ReplaceAll(out, "m", "s"), len(m[0]))
	return nil
}

func (t *translator) repeat(rest string) error {
	m := repeatForm.FindStringSubmatch(rest)
	if m == nil {
		if len(rest) > 1 && rest[1] == ',' {
			return t.unsupported("{,n}")
		}
		t.emit(`\{`, 1)
		return nil
	}
	for _, s := range []string{m[1], m[3]} {
		if n, err := strconv.Atoi(s); s != "" && (err != nil || n > maxRepeat) {
			return fileErrorf("split pattern: repeat count %s, at most %d is accepted", clip(s), maxRepeat)
		}
	}
	if after := rest[len(m[0]):]; after != "" && (after[0] == '+' || after[0] == '?' && m[2] == "") {
		return t.unsupported(m[0] + after[:1]) // possessive or lazy in .NET, neither in Ruby
	}
	t.emit(m[0], len(m[0]))
	return nil
}
