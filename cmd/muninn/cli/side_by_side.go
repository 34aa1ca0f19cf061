package cli

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	minColumn    = 16                    // narrower columns are printed one after the other
	columnGap    = " │ "                 // between columns
	frameTime    = 40 * time.Millisecond // between two drawings at least
	minRowsShown = 3                     // a lower terminal gets its columns one after the other
)

// SideBySide shows texts that grow at the same time. On a terminal they stand side by side, and only lines that may
// still change are drawn again: a line scrolls away for good once every column is past it. Elsewhere one text follows
// the other, each as soon as those before it have ended.
type SideBySide struct {
	s             *Streams
	out           io.Writer
	columns       []*sideColumn
	live          bool
	longest       string // summary
	width, height int    // of a column, of the terminal

	fixed  int // lines that have scrolled away
	canvas Canvas
	last   time.Time
	frame  time.Duration
}

// sideColumn is one text.
type sideColumn struct {
	wrapper
	title string
	all   strings.Builder // the whole text so far, while it stands beside others
	text  strings.Builder // what the sequential form has not printed yet
	ended bool
	final string // the line below
}

// NewSideBySide has a column for each title, with room for the longest summary below it. close must be called in the end.
func NewSideBySide(s *Streams, titles []string, longest string) *SideBySide {
	width, height := s.TerminalSize(s.Out)
	return sideBySideOf(s, titles, longest, width, height)
}

// sideBySideOf is for a terminal of some size; a width of 0 is none.
func sideBySideOf(s *Streams, titles []string, longest string, width, height int) *SideBySide {
	c := &SideBySide{s: s, out: s.Out, height: height, longest: longest, frame: frameTime, canvas: Canvas{Out: s.Out}}
	n := max(len(titles), 1)
	// The last column of the terminal stays empty: some go on to the next line when it is written to.
	c.width = (width - 1 - (n-1)*cells(columnGap)) / n
	c.live = c.width >= minColumn
	c.columns = Each(titles, func(title string) *sideColumn { return &sideColumn{title: title, wrapper: wrapper{width: c.width}} })
	if c.live && c.room() < minRowsShown {
		c.live = false
	}
	switch {
	case c.live:
		c.print(c.row(Bold, func(col *sideColumn) string { return col.title }), c.rule())
	case n > 0 && len(c.columns) > 0:
		c.begin(0)
	}
	return c
}

// Push adds text to a column.
func (c *SideBySide) Push(column int, text string) error {
	col := c.columns[column]
	text = Printable(text)
	c.narrowed()
	if c.live {
		col.push(text)
		col.all.WriteString(text)
		if time.Since(c.last) >= c.frame {
			c.draw()
		}
		return c.s.results.err
	}
	col.text.WriteString(text)
	if c.fixed == column {
		c.flush()
	}
	return c.s.results.err
}

// narrowed goes over to the sequential form, from the beginning of the texts, when the terminal has become too narrow for
// what is drawn: a line that it has broken cannot be drawn over.
func (c *SideBySide) narrowed() {
	if width, _ := c.s.TerminalSize(c.out); !c.live || width == 0 || width > len(c.columns)*c.width+(len(c.columns)-1)*cells(columnGap) {
		return
	}
	c.canvas.Release()
	c.live, c.fixed = false, 0
	for _, col := range c.columns {
		col.text.WriteString(col.all.String())
		col.tail = ""
	}
	c.print("")
	c.begin(0)
	c.flush()
}

// Finish ends a column.
func (c *SideBySide) Finish(column int, summary string) error {
	col := c.columns[column]
	col.ended, col.final = true, summary
	c.narrowed()
	if c.live {
		c.draw()
	} else {
		c.next()
	}
	return c.s.results.err
}

// Close leaves everything on the screen, also of columns that have not ended, and gives the first error of a write.
func (c *SideBySide) Close() error {
	for _, col := range c.columns {
		col.ended = true
	}
	if c.live {
		c.height = 0 // nothing is drawn again, so all may go by
		c.draw()
		c.canvas.Release()
	} else {
		c.next()
	}
	return c.s.results.err
}

// The sequential form: title, text, summary.

func (c *SideBySide) begin(column int) {
	if column > 0 {
		c.print("")
	}
	c.print(c.s.Style(c.out, Bold, c.columns[column].title))
}

func (c *SideBySide) flush() {
	col := c.columns[c.fixed]
	text := col.text.String()
	col.text.Reset()
	if text != "" {
		col.tail = text[strings.LastIndexByte(text, '\n')+1:]
		fmt.Fprint(c.out, text)
	}
}

// next goes on past columns that have ended.
func (c *SideBySide) next() {
	for c.fixed < len(c.columns) && c.columns[c.fixed].ended {
		c.flush()
		col := c.columns[c.fixed]
		if col.tail != "" {
			c.print("")
		}
		if col.final != "" {
			c.print(c.s.Style(c.out, Dim, col.final))
		}
		if c.fixed++; c.fixed < len(c.columns) {
			c.begin(c.fixed)
		}
	}
}

// The form side by side.

// row lays out one line of all columns.
func (c *SideBySide) row(sgr string, text func(*sideColumn) string) string {
	var b strings.Builder
	for i, col := range c.columns {
		if i > 0 {
			b.WriteString(c.s.Style(c.out, Dim, columnGap))
		}
		b.WriteString(c.s.Style(c.out, sgr, fill(text(col), c.width)))
	}
	return b.String()
}

func (c *SideBySide) rule() string {
	return c.s.Style(c.out, Dim, strings.Join(slices.Repeat([]string{strings.Repeat("─", c.width)}, len(c.columns)), "─┼─"))
}

// summaryRows is how many lines the longest summary takes.
func (c *SideBySide) summaryRows() int {
	return len(wrapCells(c.longest, c.width))
}

// room is how many lines of text can be drawn again: a terminal cannot go back to what has scrolled away.
func (c *SideBySide) room() int { return c.height - 2 - c.summaryRows() }

// draw writes what has changed: lines that are final now, those that are not, and the summaries.
func (c *SideBySide) draw() {
	c.last = time.Now()
	final, most := math.MaxInt, c.fixed
	for _, col := range c.columns {
		most = max(most, len(col.whole()))
		if !col.ended {
			final = min(final, len(col.lines))
		}
	}
	final = max(min(final, most), c.fixed)
	shown := most
	if c.height > 0 {
		shown = min(most, final+c.room())
	}
	var lines []string
	for i := c.fixed; i < shown; i++ {
		lines = append(lines, c.row("", func(col *sideColumn) string { return lineOf(col.whole(), i) }))
	}
	foot := []string{c.rule()}
	for i := range c.summaryRows() {
		foot = append(foot, c.row(Dim, func(col *sideColumn) string { return lineOf(c.footer(col, shown), i) }))
	}
	c.canvas.Draw(append(lines, foot...), shown-final+len(foot))
	c.fixed = final
}

// footer is what stands below a column: its summary, or how many lines of it wait for slower columns.
func (c *SideBySide) footer(col *sideColumn, shown int) []string {
	if waiting := len(col.whole()) - shown; waiting > 0 {
		return []string{fmt.Sprintf("+%d lines", waiting)}
	}
	return wrapCells(col.final, c.width)
}

func (c *SideBySide) print(lines ...string) {
	for _, l := range lines {
		fmt.Fprintln(c.out, strings.TrimRight(l, " "))
	}
}
