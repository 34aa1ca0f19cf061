package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress is a bar on a terminal for what takes long; elsewhere one note, and quiet it is nil and shows nothing. A bar that
// cannot be drawn does not stop the work.
type Progress struct {
	bar   *progressbar.ProgressBar // nil: no terminal
	began time.Time
	tell  func() // notes what takes long, once
	total int64
	gone  bool
}

// unheard is how long work may go on before it is noted.
const unheard = 500 * time.Millisecond

// NewProgress begins a bar of total bytes; of a count where bytes is false. A total of -1 means that nothing is counted.
func NewProgress(s *Streams, what string, total int64, bytes bool) *Progress {
	if s.Quiet {
		return nil
	}
	if !IsTerminal(s.Err) {
		return &Progress{began: time.Now(), tell: sync.OnceFunc(func() { s.Note("%s ...", strings.TrimSpace(what)) })}
	}
	count := progressbar.OptionShowBytes(bytes)
	if !bytes && total >= 0 {
		count = progressbar.OptionShowCount()
	}
	options := []progressbar.Option{progressbar.OptionSetWriter(oneLine{fileOf(s.Err)}), progressbar.OptionSetDescription(what), count,
		progressbar.OptionUseIECUnits(true), progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)}
	if columns, _ := s.TerminalSize(s.Err); bytes && columns > 0 {
		options = append(options, fitting(columns, cells(what))...)
	}
	return &Progress{bar: progressbar.NewOptions64(total, options...), total: total}
}

// beside is how many columns percentage, rate, elapsed time and time left take beside a bar.
const beside = 36

// fitting makes a bar short, and puts what it is for behind it, so that rate and time left can be seen on a narrow terminal.
func fitting(columns, what int) []progressbar.Option {
	const least, most = 4, 40
	if room := columns - beside - what; room >= least {
		return []progressbar.Option{progressbar.OptionSetWidth(min(room, most))}
	}
	return []progressbar.Option{progressbar.OptionSetWidth(min(max(columns-beside, least), most)), progressbar.OptionShowDescriptionAtLineEnd()}
}

// oneLine is a terminal on which what is drawn over and over stays on its line: longer lines are cut.
type oneLine struct{ terminal *os.File }

// Write writes p, which returns to the beginning of the line wherever it likes.
func (o oneLine) Write(p []byte) (int, error) {
	width, _, err := term.GetSize(int(o.terminal.Fd()))
	if err != nil {
		return 0, err
	}
	parts := strings.Split(string(p), "\r")
	for i, part := range parts {
		parts[i], _ = cutCells(Printable(part), max(width-1, 1))
	}
	_, err = io.WriteString(o.terminal, strings.Join(parts, "\r"))
	return len(p), err
}

// Drawn tells whether there is a bar.
func (p *Progress) Drawn() bool { return p != nil && p.bar != nil }

// Tell notes what is done where there is no bar: at once, and not only when it turns out to take long.
func (p *Progress) Tell() {
	if p != nil && p.bar == nil {
		p.tell()
	}
}

// moves tells whether there is a bar to move; where there is none, it notes what takes long.
func (p *Progress) moves() bool {
	if p == nil || p.gone {
		return false
	}
	if p.bar == nil && time.Since(p.began) > unheard {
		p.tell()
	}
	return p.bar != nil
}

// Set says how much is done; it fits the Progress of what loads and writes.
func (p *Progress) Set(done, _ int64) {
	if p.moves() {
		_ = p.bar.Set64(min(done, p.total))
	}
}

// Add says that n more are done.
func (p *Progress) Add(n int) {
	if p.moves() {
		_ = p.bar.Add(n)
	}
}

// Say changes what stands beside the bar.
func (p *Progress) Say(what string) {
	if p.moves() {
		p.bar.Describe(what)
		_ = p.bar.RenderBlank() // even if it has just been drawn, as long as nothing is done
	}
}

// Hide takes the bar away until it is told more.
func (p *Progress) Hide() {
	if p.Drawn() && !p.gone {
		_ = p.bar.Clear()
	}
}

// Done takes the bar away for good.
func (p *Progress) Done() {
	p.Hide()
	if p != nil {
		p.gone = true
	}
}
