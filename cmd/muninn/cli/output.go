package cli

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/term"
)

// Esc stands for the escape character in what this program draws itself. It is drawn by chance at each start, so that a
// model's text, or a name out of a file, cannot contain it; output puts the real character in its place.
var Esc = fmt.Sprintf("\x1b<%016x>", rand.Uint64())

// drawn is an escape sequence of this program's own.
var drawn = regexp.MustCompile(regexp.QuoteMeta(Esc) + `(\[\??[0-9;]*[A-Za-z])`)

// output is standard output or standard error. On a terminal it makes everything printable but what Esc begins; elsewhere
// bytes pass as they are. The first error of a write stays, and becomes that of the command.
type output struct {
	mu       sync.Mutex // a signal's last word comes beside what the command writes
	w        io.Writer
	terminal bool
	open     bool // the last line is not ended
	err      error
	beside   *output // standard output, when it goes to the same terminal or file
}

func newOutput(w io.Writer) *output { return &output{w: w, terminal: IsTerminal(w)} }

// Write writes p, on a line of its own where the stream beside has left one open.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.beside != nil {
		o.beside.mu.Lock()
		defer o.beside.mu.Unlock()
	}
	return o.write(p)
}

func (o *output) write(p []byte) (int, error) {
	if o.err != nil || len(p) == 0 {
		return 0, o.err
	}
	text := string(p)
	visible := drawn.ReplaceAllString(text, "")
	if o.terminal {
		text = harmless(text)
	} else {
		text = drawn.ReplaceAllString(text, "\x1b$1")
	}
	if o.beside != nil && o.beside.open {
		text, o.beside.open = "\n"+text, false
	}
	if visible != "" {
		o.open = !strings.HasSuffix(visible, "\n")
	}
	if _, err := io.WriteString(o.w, text); err != nil {
		o.err = fmt.Errorf("cannot write the answer: %w; is the disk full, or the reader gone?", err)
	}
	return len(p), o.err
}

// endLine ends a line that is open on a terminal: the shell's prompt comes next.
func (o *output) endLine() {
	if !o.terminal {
		return // nor waits for a reader
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open {
		_, _ = o.write([]byte("\n")) // the error stays
	}
}

// harmless makes a text printable, but for this program's own escapes.
func harmless(text string) string {
	var b strings.Builder
	for text != "" {
		at := drawn.FindStringIndex(text)
		if at == nil {
			at = []int{len(text), len(text)}
		}
		b.WriteString(Printable(text[:at[0]]))
		b.WriteString(strings.Replace(text[at[0]:at[1]], Esc, "\x1b", 1))
		text = text[at[1]:]
	}
	return b.String()
}

// Printable makes a text of elsewhere harmless for a terminal: of control characters only new lines stay. Others become
// pictures of themselves, a tab spaces, and what turns the direction of writing U+FFFD.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		case r < ' ':
			b.WriteRune('\u2400' + r)
		case r == 0x7f:
			b.WriteRune('\u2421')
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			b.WriteRune(unicode.ReplacementChar)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fileOf is the file below a stream; nil where it is none.
func fileOf(stream any) *os.File {
	if o, ok := stream.(*output); ok {
		stream = o.w
	}
	f, _ := stream.(*os.File)
	return f
}

// IsTerminal tells whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f := fileOf(stream)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// TerminalSize is the size of the terminal that a stream is, or 0, 0 where nothing can be drawn in place.
func (s *Streams) TerminalSize(stream any) (width, height int) {
	if kind, _ := s.Env("TERM"); kind == "dumb" || !IsTerminal(stream) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(fileOf(stream).Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// sameFile tells whether two streams go to one terminal or file.
func sameFile(a, b any) bool {
	f, g := fileOf(a), fileOf(b)
	if f == nil || g == nil {
		return false
	}
	x, err := f.Stat()
	y, err2 := g.Stat()
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// Canvas is lines on a terminal that are drawn again and again in place. Errors of writing are the stream's.
type Canvas struct {
	Out    io.Writer
	drawn  int  // lines above the cursor that the next drawing goes over
	hidden bool // the cursor
}

// Draw writes lines over those of the drawing before. The last keep of them will be drawn over, the others stay.
func (c *Canvas) Draw(lines []string, keep int) {
	var b strings.Builder
	// No cursor meanwhile; and to the line's beginning, where a terminal that shows Ctrl-C as ^C is not.
	b.WriteString(Esc + "[?25l" + Esc + "[1G")
	if c.drawn > 0 {
		fmt.Fprintf(&b, Esc+"[%dA", c.drawn)
	}
	for _, l := range lines {
		b.WriteString(l + Esc + "[K\n")
	}
	c.drawn, c.hidden = keep, true
	fmt.Fprint(c.Out, b.String()+Esc+"[J")
}

// Release leaves what is drawn, and shows the cursor again.
func (c *Canvas) Release() {
	if c.hidden {
		fmt.Fprint(c.Out, Esc+"[?25h")
	}
	c.drawn, c.hidden = 0, false
}
