package tokenizer

import (
	"errors"
	"strings"
)

// stage is one step of the pre-tokenizer. It replaces the pieces of a text by smaller or rewritten ones.
type stage interface {
	// apply returns the new pieces and how many bytes it dropped.
	apply(pieces []string, b *budget) (out []string, lost int, err error)
}

// prefixSpace puts a space before every piece that does not begin with one.
type prefixSpace struct{}

func (prefixSpace) apply(pieces []string, _ *budget) ([]string, int, error) {
	for i, p := range pieces {
		if !strings.HasPrefix(p, " ") {
			pieces[i] = " " + p
		}
	}
	return pieces, 0, nil
}

// alphabet writes every piece in the byte alphabet. As the last stage it is left to the merge loop.
type alphabet struct{}

func (alphabet) apply(pieces []string, _ *budget) ([]string, int, error) {
	for i, p := range pieces {
		pieces[i] = string(appendAlphabet(nil, p))
	}
	return pieces, 0, nil
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
	for _, p := range pieces {
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
	if b == mergedWithNext {
		reverse(spans)
	}
	out := spans[:0]
	previous := false // whether the span before was a match
	for _, sp := range spans {
		glue := false
		switch b {
		case contiguous:
			glue = sp.match == previous
		case mergedWithPrevious, mergedWithNext:
			glue = sp.match && !previous
		}
		previous = sp.match
		sp.match = false
		if last := len(out) - 1; glue && last >= 0 {
			out[last].start = min(out[last].start, sp.start)
			out[last].end = max(out[last].end, sp.end)
			continue
		}
		out = append(out, sp)
	}
	if b == mergedWithNext {
		reverse(out)
	}
	return out
}

func reverse(s []span) {
	for i, j := 0, len(s)-1; i < j; i, j = i+1, j-1 {
		s[i], s[j] = s[j], s[i]
	}
}

// parsePreTokenizer appends a stage.
func (t *Tokenizer) parsePreTokenizer(o object, kind string) error {
	cut := func(source string, b behavior) error {
		p, err := compilePattern(source)
		t.stages = append(t.stages, split{p, b, false})
		return err
	}
	switch kind {
	case "ByteLevel":
		prefix, err := o.flagOr("add_prefix_space", false)
		if err != nil {
			return err
		}
		regex, err := o.flagOr("use_regex", true)
		if err != nil {
			return err
		}
		if prefix {
			t.stages = append(t.stages, prefixSpace{})
		}
		if regex {
			err = cut(gpt2Pattern, isolated)
		}
		t.stages = append(t.stages, alphabet{})
		return err
	case "Digits":
		single, err := o.flagOr("individual_digits", false)
		if err != nil {
			return err
		}
		if single {
			return cut(`\p{N}`, isolated)
		}
		return cut(`\p{N}+`, isolated)
	case "Split":
		s, err := parseSplit(o)
		t.stages = append(t.stages, s)
		return err
	}
	return unsupported(o.where, kind)
}

func parseSplit(o object) (s split, err error) {
	if s.invert, err = o.flagOr("invert", false); err != nil {
		return s, err
	}
	name, err := o.text("behavior")
	if err != nil {
		return s, err
	}
	switch s.behavior = behavior(name); s.behavior {
	case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous:
	default:
		return s, unsupported(o.where, "Split behavior "+clip(name))
	}
	source, literal, err := o.pattern()
	if err != nil {
		return s, err
	}
	if literal {
		source = quotePattern(source)
	}
	s.pattern, err = compilePattern(source)
	var u *UnsupportedError
	if errors.As(err, &u) {
		u.Place = o.at("pattern")
	}
	return s, err
}

// pattern reads {"Regex": ...} or {"String": ...}, a text that is matched literally.
func (o object) pattern() (source string, literal bool, err error) {
	p, err := readObject(o.fields["pattern"], o.at("pattern"))
	if err != nil {
		return "", false, err
	}
	if len(p.fields) != 1 {
		return "", false, fileErrorf("%s: want {\"Regex\": ...} or {\"String\": ...}", p.where)
	}
	if _, literal = p.fields["String"]; literal {
		source, err = p.text("String")
	} else {
		source, err = p.text("Regex")
	}
	return source, literal, err
}

// quotePattern writes a pattern that matches s literally.
func quotePattern(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(quoteLiteral(string(r)))
	}
	return b.String()
}
