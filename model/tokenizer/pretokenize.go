package tokenizer

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// stage is one step of the pre-tokenizer. It replaces the pieces of a text by smaller or rewritten ones, and gives those and how
// many bytes it dropped.
type stage func(pieces []string, b *budget) (out []string, lost int, err error)

// rewriting is a stage that changes each piece by itself.
func rewriting(f func(string) string) stage {
	return func(pieces []string, _ *budget) ([]string, int, error) {
		for i, p := range pieces {
			pieces[i] = f(p)
		}
		return pieces, 0, nil
	}
}

// behavior says what becomes of the matches of a split, in the words of the file.
type behavior string

const (
	removed            behavior = "Removed"
	isolated           behavior = "Isolated"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

// split cuts pieces at the matches of a pattern.
type split struct {
	pattern  *pattern
	behavior behavior
	invert   bool // what lies between the matches counts as match
}

func (s split) apply(pieces []string, b *budget) (out []string, lost int, err error) {
	out = make([]string, 0, len(pieces))
	for at, p := range pieces {
		spans, err := s.pattern.spans(p, b)
		if err != nil {
			return nil, 0, err
		}
		if s.invert {
			for i := range spans {
				spans[i].match = !spans[i].match
			}
		}
		for _, sp := range s.behavior.join(spans) {
			if sp.match {
				lost += sp.end - sp.start
				b.first = b.first && (at > 0 || sp.start > 0 || sp.start == sp.end)
			} else if sp.start < sp.end {
				out = append(out, p[sp.start:sp.end])
			}
		}
	}
	return out, lost, nil
}

// join merges neighbours as the behaviour asks. Spans of the result that are still matches are to be dropped.
// The slice is reused.
func (b behavior) join(spans []span) []span {
	if b == removed {
		return spans
	}
	out := spans[:0]
	previous := false // whether the span before was a match
	for _, sp := range spans {
		glue := false
		switch b {
		case contiguous:
			glue = sp.match == previous
		case mergedWithPrevious:
			glue = sp.match && !previous
		case mergedWithNext:
			glue = previous && !sp.match
		}
		previous = sp.match
		sp.match = false
		if last := len(out) - 1; glue && last >= 0 {
			out[last].end = sp.end
			continue
		}
		out = append(out, sp)
	}
	return out
}

// parsePreTokenizer appends the stages of one component.
func (t *Tokenizer) parsePreTokenizer(o object, kind string) {
	add := func(s stage) { t.stages, t.bytes = append(t.stages, s), false }
	switch kind {
	case "ByteLevel":
		if o.flag("add_prefix_space", false) {
			add(rewriting(func(p string) string { return " " + strings.TrimPrefix(p, " ") }))
		}
		if o.flag("use_regex", true) {
			add(split{o.compile(gpt2Pattern), isolated, false}.apply)
		}
		add(rewriting(func(p string) string { return string(AppendAlphabet(nil, p)) }))
		t.bytes = true
	case "Metaspace":
		t.parseMetaspace(o, add)
	case "Digits":
		source := `[\p{N}` + newestDigits + `]`
		if !o.flag("individual_digits", false) {
			source += "+"
		}
		add(split{o.compile(source), isolated, false}.apply)
	case "Split":
		s := split{behavior: behavior(o.text("behavior")), invert: o.flag("invert", false)}
		if !slices.Contains([]behavior{removed, isolated, mergedWithPrevious, mergedWithNext, contiguous}, s.behavior) {
			o.fail(unsupported(o.where, "Split behavior "+string(s.behavior)))
		}
		source, literal := o.pattern()
		if literal {
			source = regexp.QuoteMeta(source)
		}
		s.pattern = o.compile(source)
		add(s.apply)
	default:
		o.fail(unsupported(o.where, kind))
	}
}

// pattern reads {"Regex": ...} or {"String": ...}, a text that is matched literally.
func (o object) pattern() (source string, literal bool) {
	p := o.object("pattern")
	if literal = p.has("String"); len(p.fields) != 1 {
		p.fail(fileErrorf("%s: want {\"Regex\": ...} or {\"String\": ...}", p.where))
	}
	if literal {
		return p.text("String"), true
	}
	return p.text("Regex"), false
}

func (o object) compile(source string) *pattern {
	p, err := compilePattern(source, o.at("pattern"))
	o.fail(err)
	return p
}

// metaspace is a rune in the place of spaces, of a pre-tokenizer or a decoder, and which pieces it is put in front of, in the words
// of the file.
type metaspace struct {
	rune    string
	prepend string
}

func (o object) metaspace() metaspace {
	m := metaspace{o.text("replacement"), "always"}
	if o.has("prepend_scheme") {
		m.prepend = o.text("prepend_scheme")
	}
	switch {
	case *o.failed != nil:
	case utf8.RuneCountInString(m.rune) != 1:
		o.fail(fileErrorf("%s is %q, want one character", o.at("replacement"), clip(m.rune)))
	case !slices.Contains([]string{"always", "first", "never"}, m.prepend):
		o.fail(unsupported(o.where, "Metaspace prepend_scheme "+m.prepend))
	case !o.flag("add_prefix_space", true) && m.prepend != "never": // refused by the library too
		o.fail(fileErrorf("%s is false, prepend_scheme %s", o.at("add_prefix_space"), m.prepend))
	}
	return m
}

// parseMetaspace appends its stages.
func (t *Tokenizer) parseMetaspace(o object, add func(stage)) {
	m := o.metaspace()
	add(func(pieces []string, b *budget) ([]string, int, error) {
		for i, p := range pieces {
			pieces[i] = strings.ReplaceAll(p, " ", m.rune)
			if m.prepend == "always" || m.prepend == "first" && i == 0 && b.first {
				pieces[i] = m.rune + strings.TrimPrefix(pieces[i], m.rune)
			}
		}
		return pieces, 0, nil
	})
	if o.flag("split", true) {
		add(split{o.compile(regexp.QuoteMeta(m.rune)), mergedWithNext, false}.apply)
	}
}
