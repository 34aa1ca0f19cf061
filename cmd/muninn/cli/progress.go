package cli

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress is a bar on a terminal for what takes long; elsewhere, and quiet, it is nil and shows nothing. A bar that cannot
// be drawn does not stop the work.
type Progress struct {
	bar   *progressbar.ProgressBar
	total int64
	gone  bool
}

// NewProgress begins a bar of total bytes; of a count where bytes is false. A total of -1 means unknown.
func NewProgress(s *Streams, what string, total int64, bytes bool) *Progress {
	if s.Quiet || !IsTerminal(s.Err) {
		return nil
	}
	count := progressbar.OptionShowCount()
	if bytes {
		count = progressbar.OptionShowBytes(true)
	}
	return &Progress{bar: progressbar.NewOptions64(total, progressbar.OptionSetWriter(oneLine{fileOf(s.Err)}), progressbar.OptionSetDescription(what), count,
		progressbar.OptionUseIECUnits(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)), total: total}
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

// Set says how much is done; it fits the Progress of what loads and writes.
func (p *Progress) Set(done, _ int64) {
	if p != nil && !p.gone {
		_ = p.bar.Set64(min(done, p.total))
	}
}

// Add says that n more are done.
func (p *Progress) Add(n int) {
	if p != nil && !p.gone {
		_ = p.bar.Add(n)
	}
}

// Say changes what stands beside the bar.
func (p *Progress) Say(what string) {
	if p != nil && !p.gone {
		p.bar.Describe(what)
	}
}

// Hide takes the bar away until it is told more.
func (p *Progress) Hide() {
	if p != nil && !p.gone {
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
