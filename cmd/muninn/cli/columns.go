package cli

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// cells is how many columns of a terminal a text takes.
func cells(text string) int { return uniseg.StringWidth(text) }

// fill pads a text with spaces to a number of columns.
func fill(text string, width int) string {
	return text + strings.Repeat(" ", max(width-cells(text), 0))
}

// cutCells splits off what fits a number of columns, at least one character.
func cutCells(text string, width int) (head, rest string) {
	n := 0
	for g := uniseg.NewGraphemes(text); g.Next(); n += len(g.Str()) {
		if width -= g.Width(); width < 0 && n > 0 {
			break
		}
	}
	return text[:n], text[n:]
}

// wrapper breaks a text that comes piece by piece into lines, after spaces where it can. A line that has been broken off
// does not change any more.
type wrapper struct {
	width int
	lines []string // done
	tail  string   // the line being written
}

func (w *wrapper) push(text string) {
	w.tail += Printable(text)
	for {
		line, rest, ended := strings.Cut(w.tail, "\n")
		head, next := cutCells(line, w.width)
		switch {
		case next != "":
			if next[0] != ' ' {
				if space := strings.LastIndexByte(head, ' '); space > 0 && strings.TrimSpace(head[:space]) != "" {
					head = head[:space+1]
				}
			}
			w.lines = append(w.lines, strings.TrimRight(head, " "))
			w.tail = strings.TrimPrefix(w.tail[len(head):], " ")
		case ended:
			w.lines = append(w.lines, line)
			w.tail = rest
		default:
			return
		}
	}
}

// whole is its lines, the one being written too.
func (w *wrapper) whole() []string {
	if w.tail == "" {
		return w.lines
	}
	return append(slices.Clip(w.lines), w.tail)
}

// lineOf is line i of a list, and nothing where there is none.
func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// wrapCells breaks a text into lines of a number of columns.
func wrapCells(text string, width int) []string {
	w := wrapper{width: width}
	w.push(text)
	return w.whole()
}
