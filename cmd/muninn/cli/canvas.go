package cli

import (
	"fmt"
	"io"
	"strings"
)

// Canvas is lines on a terminal that are drawn again and again in place.
type Canvas struct {
	Out   io.Writer
	drawn int // lines above the cursor that the next drawing goes over
}

// Draw writes lines over those of the drawing before. The last keep of them will be drawn over, the others stay.
func (c *Canvas) Draw(lines []string, keep int) error {
	var b strings.Builder
	// No cursor meanwhile; and to the line's beginning, where a terminal that shows Ctrl-C as ^C is not.
	b.WriteString(Esc + "[?25l" + Esc + "[1G")
	if c.drawn > 0 {
		fmt.Fprintf(&b, Esc+"[%dA", c.drawn)
	}
	for _, l := range lines {
		b.WriteString(l + Esc + "[K\n")
	}
	b.WriteString(Esc + "[J")
	c.drawn = keep
	_, err := io.WriteString(c.Out, b.String())
	return err
}

// Release leaves what is drawn, and shows the cursor again.
func (c *Canvas) Release() error {
	c.drawn = 0
	_, err := io.WriteString(c.Out, Esc+"[?25h")
	return err
}
