package cli

import (
	"fmt"
	"io"
	"strings"

	"muninn/model/trace"
)

// StepsView shows a text with the core steps of each token. With colours, a token's ground is coloured by its steps and
// the number stands below its first character, a line of numbers to a line of text; a token that is shorter than its
// number is filled up in its colour. Without colours the number follows the token: word‹8›.
type StepsView struct {
	out       io.Writer
	width     int
	coloured  bool
	trueColor bool
	max       int // core steps of the last colour

	column  int // of the line being written
	numbers strings.Builder
	open    bool // plain: a line is not ended
	err     error
}

// NewStepsView is for steps from 0 to maxSteps. finish must be called in the end.
func NewStepsView(s *Streams, maxSteps int) *StepsView {
	width, _ := s.TerminalSize(s.Out)
	kind, _ := s.Env("COLORTERM")
	return stepsViewOf(s.Out, width, s.coloured(s.Out), kind == "truecolor" || kind == "24bit", maxSteps)
}

// stepsViewOf is for a terminal of some width; 0 is none.
func stepsViewOf(w io.Writer, width int, coloured, trueColor bool, maxSteps int) *StepsView {
	if width < 8 {
		width = 80
	}
	return &StepsView{out: w, width: width - 1, coloured: coloured, trueColor: trueColor, max: max(maxSteps, 1)}
}

// Push adds a token: what of the text became certain with it, which may be nothing, and the core steps it took. Text of no
// token, such as what was held back until the end, has steps below 0.
func (v *StepsView) Push(text string, steps int) error {
	text = Printable(text)
	number := ""
	if steps >= 0 {
		number = fmt.Sprint(steps)
	}
	if !v.coloured {
		v.plain(text, number)
		return v.err
	}
	if text == "" && number != "" {
		text = "·" // part of a character
	}
	for text != "" {
		piece, rest, ended := strings.Cut(text, "\n")
		if ended {
			piece += "↵"
		}
		v.token(piece, number, steps)
		if ended {
			v.endLine()
		}
		text, number = rest, ""
	}
	return v.err
}

// plain writes a token and its number, the number before new lines at the token's end.
func (v *StepsView) plain(text, number string) {
	body := strings.TrimRight(text, "\n")
	if number != "" {
		number = "‹" + number + "›"
	}
	if line := body + number + text[len(body):]; line != "" {
		v.write(line)
		v.open = !strings.HasSuffix(line, "\n")
	}
}

// token writes a piece of text without new lines over its number, on as many lines as it takes.
func (v *StepsView) token(text, number string, steps int) {
	need := max(cells(text), len(number))
	if number != "" {
		need = max(need, len(number)+1) // numbers do not touch
	}
	if v.column > 0 && v.column+need > v.width {
		v.endLine()
	}
	for text != "" {
		var head string
		head, text = cutCells(text, v.width)
		wide := cells(head)
		if number != "" {
			head = fill(head, len(number)+1)
			wide = cells(head)
			v.numbers.WriteString(strings.Repeat(" ", v.column-v.numbers.Len()) + number)
		}
		v.write(v.paint(head, steps))
		v.column += wide
		if number = ""; text != "" {
			v.endLine()
		}
	}
}

// endLine ends a line of text, and writes the numbers below it.
func (v *StepsView) endLine() {
	v.write("\n")
	if v.numbers.Len() > 0 {
		v.write(Esc + "[" + Dim + "m" + v.numbers.String() + Esc + "[0m\n")
	}
	v.numbers.Reset()
	v.column = 0
}

// paint colours text by steps; both text and ground, so that it can be read on every terminal.
func (v *StepsView) paint(text string, steps int) string {
	if steps < 0 {
		return text
	}
	share := min(float64(steps)/float64(v.max), 1)
	ink := 231 // white of the cube
	if share > 0.5 {
		ink = 16 // black
	}
	var r, g, b int
	if _, err := fmt.Sscanf(trace.Ramp(share), "#%02x%02x%02x", &r, &g, &b); err != nil {
		return text
	}
	ground := fmt.Sprintf("5;%d", 16+36*cube(r)+6*cube(g)+cube(b))
	if v.trueColor {
		ground = fmt.Sprintf("2;%d;%d;%d", r, g, b)
	}
	return fmt.Sprintf(Esc+"[38;5;%d;48;%sm%s"+Esc+"[0m", ink, ground, text)
}

// cube is the nearest of the six levels that a channel has among 256 colours: 0, then 95 to 255 in steps of 40.
func cube(level int) int {
	if level < 48 {
		return 0
	}
	return max((level-35)/40, 1)
}

// Finish ends the last line and gives the first error of a write.
func (v *StepsView) Finish() error {
	switch {
	case v.column > 0:
		v.endLine()
	case v.open:
		v.write("\n")
	}
	v.open = false
	return v.err
}

// write keeps the first error.
func (v *StepsView) write(text string) {
	if v.err == nil {
		_, v.err = io.WriteString(v.out, text)
	}
}
