package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	minColumn    = 16                    // narrower columns are printed one after the other
	columnGap    = " │ "                 // between columns
	frameTime    = 40 * time.Millisecond // between two drawings at least
	minRowsShown = 3                     // a lower terminal gets its columns one after the other
)

// compareSummary is what one column took.
type compareSummary struct {
	Tokens int
	Steps  float64 // core steps a token, mean
	Rate   float64 // tokens a second
}

// String is the line below a column.
func (c compareSummary) String() string {
	return fmt.Sprintf("%d tok, %.1f steps/tok, %.1f tok/s", c.Tokens, c.Steps, c.Rate)
}

// compareScreen shows texts that grow at the same time. On a terminal they stand side by side, and only lines that may
// still change are drawn again: a line scrolls away for good once every column is past it. Elsewhere one text follows
// the other, each as soon as those before it have ended.
type compareScreen struct {
	s             *streams
	out           io.Writer
	columns       []*compareColumn
	live          bool
	width, height int // of a column, of the terminal

	fixed int // lines that have scrolled away
	drawn int // lines on the screen that will be drawn again
	last  time.Time
	frame time.Duration
	err   error
}

// compareColumn is one text.
type compareColumn struct {
	wrapper
	title string
	text  strings.Builder // what the sequential form has not printed yet
	ended bool
	final string // the line below
}

// newCompareScreen has a column for each title. close must be called in the end.
func newCompareScreen(s *streams, titles []string) *compareScreen {
	width, height := terminalSize(s)
	return compareScreenOf(s, titles, width, height)
}

// compareScreenOf is for a terminal of some size; a width of 0 is none.
func compareScreenOf(s *streams, titles []string, width, height int) *compareScreen {
	c := &compareScreen{s: s, out: s.out, height: height, frame: frameTime}
	n := max(len(titles), 1)
	// The last column of the terminal stays empty: some go on to the next line when it is written to.
	c.width = (width - 1 - (n-1)*cells(columnGap)) / n
	c.live = c.width >= minColumn
	for _, title := range titles {
		c.columns = append(c.columns, &compareColumn{title: title, wrapper: wrapper{width: c.width}})
	}
	if c.live && c.room() < minRowsShown {
		c.live = false
	}
	switch {
	case c.live:
		c.print(c.row(bold, func(col *compareColumn) string { return col.title }), c.rule())
	case n > 0 && len(c.columns) > 0:
		c.begin(0)
	}
	return c
}

// push adds text to a column.
func (c *compareScreen) push(column int, text string) error {
	col := c.columns[column]
	if c.live {
		col.push(text)
		if time.Since(c.last) >= c.frame {
			c.draw()
		}
		return c.err
	}
	col.text.WriteString(printable(text))
	if c.fixed == column {
		c.flush()
	}
	return c.err
}

// finish ends a column.
func (c *compareScreen) finish(column int, sum compareSummary) error {
	col := c.columns[column]
	col.ended, col.final = true, sum.String()
	if c.live {
		c.draw()
		return c.err
	}
	for c.fixed < len(c.columns) && c.columns[c.fixed].ended {
		c.flush()
		c.end(c.columns[c.fixed])
		if c.fixed++; c.fixed < len(c.columns) {
			c.begin(c.fixed)
		}
	}
	return c.err
}

// close leaves everything on the screen, also of columns that have not ended, and gives the first error of a write.
func (c *compareScreen) close() error {
	switch {
	case c.live:
		for _, col := range c.columns {
			col.ended = true
		}
		c.height = 0 // nothing is drawn again, so all may go by
		c.draw()
		c.write("\x1b[?25h")
		c.live = false
	case c.fixed < len(c.columns):
		for ; c.fixed < len(c.columns); c.fixed++ {
			c.flush()
			c.end(c.columns[c.fixed])
			if c.fixed+1 < len(c.columns) {
				c.begin(c.fixed + 1)
			}
		}
	}
	return c.err
}

// The sequential form: title, text, summary.

func (c *compareScreen) begin(column int) {
	if column > 0 {
		c.print("")
	}
	c.print(c.s.style(c.out, bold, c.columns[column].title))
}

func (c *compareScreen) flush() {
	col := c.columns[c.fixed]
	text := col.text.String()
	col.text.Reset()
	if text != "" {
		col.tail = text[strings.LastIndexByte(text, '\n')+1:]
		c.write(text)
	}
}

func (c *compareScreen) end(col *compareColumn) {
	if col.tail != "" {
		c.print("")
	}
	if col.final != "" {
		c.print(c.s.style(c.out, dim, col.final))
	}
}

// The form side by side.

// row lays out one line of all columns.
func (c *compareScreen) row(sgr string, text func(*compareColumn) string) string {
	var b strings.Builder
	for i, col := range c.columns {
		if i > 0 {
			b.WriteString(c.s.style(c.out, dim, columnGap))
		}
		piece := fill(text(col), c.width)
		if sgr != "" {
			piece = c.s.style(c.out, sgr, piece)
		}
		b.WriteString(piece)
	}
	return b.String()
}

func (c *compareScreen) rule() string {
	n := len(c.columns)
	return c.s.style(c.out, dim, strings.Repeat(strings.Repeat("─", c.width)+"─┼─", n-1)+strings.Repeat("─", c.width))
}

// summaryRows is how many lines the longest summary takes.
func (c *compareScreen) summaryRows() int {
	return len(wrapCells(compareSummary{Tokens: 99999, Steps: 999.9, Rate: 9999.9}.String(), c.width))
}

// room is how many lines of text can be drawn again: a terminal cannot go back to what has scrolled away.
func (c *compareScreen) room() int { return c.height - 2 - c.summaryRows() }

// draw writes what has changed: lines that are final now, those that are not, and the summaries.
func (c *compareScreen) draw() {
	c.last = time.Now()
	final, most := -1, c.fixed
	for _, col := range c.columns {
		n := col.count()
		most = max(most, n)
		if !col.ended {
			if n = len(col.lines); final < 0 || n < final {
				final = n
			}
		}
	}
	if final < 0 {
		final = most
	}
	final = max(final, c.fixed)
	shown := most
	if c.height > 0 {
		shown = min(most, final+c.room())
	}
	var lines []string
	for i := c.fixed; i < shown; i++ {
		lines = append(lines, c.row("", func(col *compareColumn) string { return col.line(i) }))
	}
	foot := []string{c.rule()}
	for i := range c.summaryRows() {
		foot = append(foot, c.row(dim, func(col *compareColumn) string { return c.footnote(col, i, shown) }))
	}
	var b strings.Builder
	b.WriteString("\x1b[?25l")
	if c.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", c.drawn)
	}
	for _, l := range append(lines, foot...) {
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	c.write(b.String())
	c.drawn = shown - final + len(foot)
	c.fixed = final
}

// footnote is line i of what stands below a column: its summary, or how many lines of it wait for slower columns.
func (c *compareScreen) footnote(col *compareColumn, i, shown int) string {
	lines := wrapCells(col.final, c.width)
	if waiting := col.count() - shown; waiting > 0 {
		lines = []string{fmt.Sprintf("+%d lines", waiting)}
	}
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func (c *compareScreen) print(lines ...string) {
	for _, l := range lines {
		c.write(strings.TrimRight(l, " ") + "\n")
	}
}

// write keeps the first error.
func (c *compareScreen) write(text string) {
	if c.err == nil {
		_, err := io.WriteString(c.out, text)
		c.err = outputError(err)
	}
}
