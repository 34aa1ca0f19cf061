package trace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Label is a token's text for the eye, on one line: a space is ␣, a new line \n, and whatever else cannot be seen or would
// change the text around it (controls, bidirectional marks, bytes that are no UTF-8) an escape as in Go. No text is "".
func Label(text []byte) string {
	if len(text) == 0 {
		return `""`
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == ' ':
			b.WriteString("␣")
		case unicode.Is(unicode.M, r) && b.Len() == 0:
			b.WriteString("\u25cc" + string(r)) // a mark with nothing to stand on would hang on what is to its left
		case unicode.IsPrint(r) && r != '\\':
			b.WriteRune(r)
		case r < 0x100 && !strings.ContainsRune("\n\t\r\\", r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[n:]
	}
	return b.String()
}

// label is of the token's bytes where the text is not all.
func (t Token) label() string {
	if t.Bytes != nil {
		return Label(t.Bytes)
	}
	return Label([]byte(t.Text))
}

func (c Candidate) label() string { return Token{Text: c.Text, Bytes: c.Bytes}.label() }

// cut shortens a text to a width in columns of a terminal, with an ellipsis.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	return head(text, width-1) + "…"
}

// head is as much of a text as fits a width in columns.
func head(text string, width int) string {
	n := 0
	for g := uniseg.NewGraphemes(text); g.Next(); n += len(g.Str()) {
		if width -= g.Width(); width < 0 {
			break
		}
	}
	return text[:n]
}

// wrapped breaks a text into lines of a width in columns, between words where it can.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && uniseg.StringWidth(line)+1+uniseg.StringWidth(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
		for part := head(line, width); part != "" && part != line; part = head(line, width) { // a word longer than a line
			lines, line = append(lines, part), line[len(part):]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
