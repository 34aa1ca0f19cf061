package tokenizer

import (
	"encoding/json"
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

// parsePreTokenizer appends the stages of a pre_tokenizer value.
func parsePreTokenizer(dst []stage, raw json.RawMessage, where string, depth int) ([]stage, error) {
	o, kind, err := component(raw, where, depth)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		err := eachElement(o.fields["pretokenizers"], o.at("pretokenizers"), func(i int, value json.RawMessage) error {
			dst, err = parsePreTokenizer(dst, value, where+"["+itoa(i)+"]", depth+1)
			return err
		})
		return dst, err
	case "ByteLevel":
		prefix, err := o.flag("add_prefix_space")
		if err != nil {
			return nil, err
		}
		regex, err := o.flagOr("use_regex", true)
		if err != nil {
			return nil, err
		}
		if prefix {
			dst = append(dst, prefixSpace{})
		}
		if regex {
			p, err := compilePattern(gpt2Pattern)
			if err != nil {
				return nil, err
			}
			dst = append(dst, split{p, isolated, false})
		}
		return append(dst, alphabet{}), nil
	case "Split":
		s, err := parseSplit(o)
		return append(dst, s), err
	}
	return nil, &UnsupportedError{Component: "pre_tokenizer", Type: clip(kind)}
}

func parseSplit(o object) (s split, err error) {
	if s.invert, err = o.flag("invert"); err != nil {
		return s, err
	}
	name, err := o.text("behavior")
	if err != nil {
		return s, err
	}
	switch s.behavior = behavior(name); s.behavior {
	case removed, isolated, mergedWithPrevious, mergedWithNext, contiguous:
	default:
		return s, &UnsupportedError{Component: "pre_tokenizer", Type: "Split behavior " + clip(name)}
	}
	p, err := readObject(o.fields["pattern"], o.at("pattern"))
	if err != nil {
		return s, err
	}
	if len(p.fields) != 1 {
		return s, fileErrorf("%s: want {\"Regex\": ...} or {\"String\": ...}", p.where)
	}
	source := ""
	if _, ok := p.fields["String"]; ok {
		if source, err = p.text("String"); err == nil {
			source = quotePattern(source)
		}
	} else {
		source, err = p.text("Regex")
	}
	if err != nil {
		return s, err
	}
	s.pattern, err = compilePattern(source)
	return s, err
}

// quotePattern writes a pattern that matches s literally.
func quotePattern(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(quoteLiteral(string(r)))
	}
	return b.String()
}
