package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"muninn/cmd/muninn/cli"
)

const (
	pageWidth = 80  // of text on a pipe
	maxWidth  = 100 // of text on a wide terminal
	stepTime  = 90 * time.Millisecond
	indent    = "   "
)

// demoScreen lays out what the demo shows. On a terminal the table of columns is drawn again and again in place; on a
// pipe it is printed once, and no control character is written.
type demoScreen struct {
	s      *cli.Streams
	out    io.Writer
	width  int
	live   bool // tables may be redrawn in place
	canvas cli.Canvas
}

func newDemoScreen(s *cli.Streams) *demoScreen {
	d := &demoScreen{s: s, out: s.Out, width: pageWidth, canvas: cli.Canvas{Out: s.Out}}
	width, height := s.TerminalSize(s.Out)
	if width > 0 {
		d.width = min(width, maxWidth)
	}
	d.live = width > 60 && height > 2*demoHops+4 // else lines wrap or scroll away, and cannot be redrawn
	return d
}

func (d *demoScreen) print(lines ...string) {
	for _, l := range lines {
		fmt.Fprintln(d.out, strings.TrimRight(l, " "))
	}
}

// redraw writes lines over those of the call before.
func (d *demoScreen) redraw(lines []string) {
	if !d.live {
		d.print(lines...)
		return
	}
	d.canvas.Draw(lines, len(lines))
}

// pause lets a frame be seen.
func (d *demoScreen) pause(ctx context.Context) error {
	if !d.live {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(stepTime):
		return nil
	}
}

func (d *demoScreen) style(sgr, text string) string { return d.s.Style(d.out, sgr, text) }

// heading starts a part.
func (d *demoScreen) heading(format string, args ...any) {
	d.print("")
	d.title(fmt.Sprintf(format, args...))
}

// title writes words in bold.
func (d *demoScreen) title(text string) {
	for line := range strings.Lines(cli.Wrap(text, d.width, "")) {
		d.print(d.style(cli.Bold, strings.TrimSuffix(line, "\n")))
	}
}

// paragraph wraps words to the width, each line after prefix; the first line may have another one of the same length.
func (d *demoScreen) paragraph(first, prefix, text string) {
	d.print(first + strings.TrimSuffix(cli.Wrap(text, d.width, prefix)[len(prefix):], "\n"))
}

// cell is one entry of a table.
type cell struct {
	text string
	sgr  string // "" for plain
}

// line is a line of a table: a label, then cells.
type line struct {
	label string
	cells []cell
}

// lineOf is a line with a cell of each in a list.
func lineOf[T any](label string, list []T, of func(T) cell) line {
	return line{label, cli.Each(list, of)}
}

// labels is the width of labels.
const labels = 12

// table lays out lines in columns of width characters. Columns that do not fit beside the others stand in a table of their own
// below. The last column of the terminal stays empty: some go on to the next line when it is written to.
func (d *demoScreen) table(width int, rows ...line) (lines []string) {
	columns := len(rows[0].cells)
	each := max((d.width-1-len(indent)-labels)/width, 1)
	for from := 0; from < columns; from += each {
		if from > 0 {
			lines = append(lines, "")
		}
		for _, r := range rows {
			lines = append(lines, d.row(r.label, width, r.cells[from:min(from+each, columns)]...))
		}
	}
	return lines
}

// row lays out a line of a table, cells to the right. Colour fills a cell but for the space that parts it from the one before.
func (d *demoScreen) row(label string, width int, cells ...cell) string {
	var b strings.Builder
	b.WriteString(d.style(cli.Dim, fmt.Sprintf("%s%-*s", indent, labels, label)))
	for _, c := range cells {
		b.WriteString(" " + d.style(c.sgr, fmt.Sprintf("%*s", width-1, clip(c.text, width-1))))
	}
	return b.String()
}

// clip keeps a text that is no plain ASCII, or too long for its cell, from breaking a table.
func clip(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '~'
		}
		return r
	}, text)
	return text[:min(len(text), n)]
}

// shades go from nothing to all: text and background both set, so that digits can be read on light and dark terminals.
var shades = []string{"", "38;5;16;48;5;195", "38;5;16;48;5;153", "38;5;16;48;5;111", "38;5;231;48;5;25"}

// shade is the colour of a share; only a share of 0 has none, and only one of 1 has the last.
func shade(share float64) string {
	last := len(shades) - 1
	switch {
	case share <= 0:
		return shades[0]
	case share >= 1:
		return shades[last]
	}
	return shades[1+int(share*float64(last-1))]
}

// percent writes a share so that only all is 100 and only none is 0.
func percent(share float64) string {
	p := int(share*100 + 0.5)
	switch {
	case share > 0 && p == 0:
		p = 1
	case share < 1 && p == 100:
		p = 99
	}
	return fmt.Sprint(p)
}
