package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

const (
	tableGap = "  " // between columns
	minCell  = 8    // columns are not made narrower
)

// Table is rows under titles, laid out when all are there: in columns as wide as their contents, on a narrow terminal with
// contents broken, and with a line for each cell where even that does not fit.
type Table struct {
	s      *Streams
	out    io.Writer
	titles []string
	rows   [][]string
}

// NewTable begins a table on one of the streams. Without titles it has rows only.
func NewTable(s *Streams, out io.Writer, titles ...string) *Table {
	return &Table{s: s, out: out, titles: titles}
}

// Row adds a row, of strings, which may be styled, and of values as fmt prints them.
func (t *Table) Row(cells ...any) {
	t.rows = append(t.rows, Each(cells, func(c any) string { return fmt.Sprint(c) }))
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Print writes the table.
func (t *Table) Print() {
	rows := t.rows
	if len(t.titles) > 0 {
		rows = append([][]string{t.titles}, rows...)
	}
	widths := columnWidths(rows)
	if limit, _ := t.s.TerminalSize(t.out); limit > 0 && !narrow(widths, limit-1) {
		t.printCells()
		return
	}
	for _, row := range rows {
		printRow(t.out, row, widths)
	}
}

// columnWidths are how wide the columns are by themselves.
func columnWidths(rows [][]string) (widths []int) {
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], visible(cell))
		}
	}
	return widths
}

// visible is how many columns of a terminal a text takes that may be styled.
func visible(text string) int { return cells(drawn.ReplaceAllString(text, "")) }

// narrow takes from the widest columns until a row takes no more than limit, and tells whether that went.
func narrow(widths []int, limit int) bool {
	for {
		total, widest := len(tableGap)*(len(widths)-1), 0
		for i, w := range widths {
			total += w
			if w > widths[widest] {
				widest = i
			}
		}
		if total <= limit {
			return true
		}
		if widths[widest] <= minCell {
			return false
		}
		widths[widest]--
	}
}

// printRow writes one row on as many lines as its cells take.
func printRow(out io.Writer, row []string, widths []int) {
	lines, most := make([][]string, len(row)), 0
	for i, cell := range row {
		lines[i] = []string{cell}
		if visible(cell) > widths[i] {
			lines[i] = wrapCells(drawn.ReplaceAllString(cell, ""), widths[i])
		}
		most = max(most, len(lines[i]))
	}
	for k := range most {
		var b strings.Builder
		for i := range row {
			text := lineOf(lines[i], k)
			b.WriteString(text + strings.Repeat(" ", widths[i]-visible(text)) + tableGap)
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// printCells writes a line for each cell that is not empty, and an empty one between rows.
func (t *Table) printCells() {
	for i, row := range t.rows {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		for k, cell := range row {
			if cell != "" {
				title := ""
				if k < len(t.titles) && t.titles[k] != "" {
					title = t.titles[k] + ": "
				}
				fmt.Fprintln(t.out, title+cell)
			}
		}
	}
}

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
