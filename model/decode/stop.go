package decode

import "strings"

// StopMatcher watches streamed text for stop strings. Text that may be the beginning of one is held back, and what
// comes out does not depend on how the text was cut into pieces.
type StopMatcher struct {
	stops   []string
	held    string // a proper prefix of some stop string
	stopped bool
}

// NewStopMatcher watches for any of stops. Empty ones are passed over: they would stop everything.
func NewStopMatcher(stops []string) *StopMatcher {
	m := &StopMatcher{}
	for _, s := range stops {
		if s != "" {
			m.stops = append(m.stops, s)
		}
	}
	return m
}

// Push takes the next piece and gives the text that is certain by now. At the first stop string to be complete the
// text ends before it and stopped is true; the longest counts if several are complete at once. Later pieces give nothing.
func (m *StopMatcher) Push(piece string) (text string, stopped bool) {
	if m.stopped {
		return "", true
	}
	buf := m.held + piece
	m.held = ""
	start, end := -1, 0
	for _, s := range m.stops {
		at := strings.Index(buf, s)
		if at >= 0 && (start < 0 || at+len(s) < end || at+len(s) == end && at < start) {
			start, end = at, at+len(s)
		}
	}
	if start >= 0 {
		m.stopped = true
		return buf[:start], true
	}
	cut := len(buf) - m.beginning(buf)
	m.held = buf[cut:]
	return buf[:cut], false
}

// beginning is the length of the longest end of buf with which a stop string begins.
func (m *StopMatcher) beginning(buf string) int {
	longest := 0
	for _, s := range m.stops {
		for n := min(len(s)-1, len(buf)); n > longest; n-- {
			if strings.HasSuffix(buf, s[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// Flush ends the text: it gives what is still held back, nothing after a stop.
func (m *StopMatcher) Flush() string {
	text := m.held
	m.held = ""
	return text
}
