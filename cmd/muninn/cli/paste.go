package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// The line editor has one line. In it, a new line and a tab of a message are runes for private use, which are shown as these.
const (
	editLine = '\ue00a'
	editTab  = '\ue009'
	shownTab = '→'
)

// shown is the line as it is drawn; each rune has the width of the one that it stands for.
func shown(line []rune, _ int) []rune {
	drawn := make([]rune, len(line))
	for i, r := range line {
		switch r {
		case editLine:
			r = '↵'
		case editTab:
			r = shownTab
		}
		drawn[i] = r
	}
	return drawn
}

var (
	intoEdit = strings.NewReplacer("\r\n", string(editLine), "\r", string(editLine), "\n", string(editLine), "\t", string(editTab))
	fromEdit = strings.NewReplacer(string(editLine), "\n", string(editTab), "\t")
)

// edited is a text as it stands in the line editor.
func edited(text string) string {
	return Printable(intoEdit.Replace(strings.ToValidUTF8(text, "\uFFFD")))
}

// Marks of bracketed paste, and what terminals are asked and answer about the place of the cursor.
const (
	pasteOn, pasteOff     = "\x1b[?2004h", "\x1b[?2004l"
	pasteBegin, pasteEnd  = "\x1b[200~", "\x1b[201~"
	whereIsIt, atTheStart = "\x1b[6n", "\x1b[1;1R"
)

// longPaste is how many runes of a paste are put into the line; more stand there as a word for them, since the editor draws them one by one.
const longPaste = 1000

// pastes reads a terminal for the line editor, which knows nothing of bracketed paste: what is pasted becomes part of the line
// whatever it contains. It also says where the cursor is, which is at the start of a line whenever the editor asks.
type pastes struct {
	in      io.Reader
	pending []byte // read, not yet handed on
	raw     []byte // of the terminal: a mark that is not whole, or a paste that has not ended
	inside  bool

	mu     sync.Mutex
	answer []byte
	long   []string
}

// Read gives what is typed, and pastes as the editor takes them.
func (p *pastes) Read(to []byte) (int, error) {
	for {
		p.mu.Lock()
		p.pending, p.answer = append(p.answer, p.pending...), nil
		p.mu.Unlock()
		if len(p.pending) > 0 {
			n := copy(to, p.pending)
			p.pending = p.pending[n:]
			return n, nil
		}
		buffer := make([]byte, 4096)
		n, err := p.in.Read(buffer)
		if err != nil {
			return 0, err
		}
		p.take(buffer[:n])
	}
}

// take sorts what was read.
func (p *pastes) take(data []byte) {
	p.raw = append(p.raw, data...)
	for len(p.raw) > 0 {
		mark := pasteBegin
		if p.inside {
			mark = pasteEnd
		}
		at := bytes.Index(p.raw, []byte(mark))
		switch {
		case at < 0 && p.inside:
			return
		case at < 0:
			n := len(p.raw) - beginning(p.raw, mark)
			p.pending, p.raw = append(p.pending, p.raw[:n]...), p.raw[n:]
			return
		case p.inside:
			p.pending = append(p.pending, p.pasted(string(p.raw[:at]))...)
		default:
			p.pending = append(p.pending, p.raw[:at]...)
		}
		p.raw, p.inside = p.raw[at+len(mark):], !p.inside
	}
}

// beginning is the length of the longest end of data with which a mark begins. What comes after an escape character
// the editor waits for too.
func beginning(data []byte, mark string) int {
	for n := min(len(data), len(mark)-1); n > 0; n-- {
		if bytes.HasSuffix(data, []byte(mark[:n])) {
			return n
		}
	}
	return 0
}

// pasted is what the line gets of a paste.
func (p *pastes) pasted(text string) string {
	if utf8.RuneCountInString(text) <= longPaste {
		return edited(text)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.long = append(p.long, edited(text))
	return p.word(len(p.long) - 1)
}

func (p *pastes) word(i int) string {
	return fmt.Sprintf("[paste %d: %s]", i+1, Plural(strings.Count(p.long[i], string(editLine))+1, "line"))
}

// whole is a line with its long pastes.
func (p *pastes) whole(line string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, text := range p.long {
		line = strings.ReplaceAll(line, p.word(i), text)
	}
	p.long = nil
	return line
}

// asked is a terminal that the editor writes to; its question is answered here.
type asked struct {
	io.Writer
	by *pastes
}

// Write writes p.
func (a asked) Write(p []byte) (int, error) {
	if string(p) != whereIsIt {
		return a.Writer.Write(p)
	}
	a.by.mu.Lock()
	defer a.by.mu.Unlock()
	a.by.answer = []byte(atTheStart)
	return len(p), nil
}
