package cli

import (
	"fmt"
	"strings"
)

// Ask puts a question on the terminal and tells whether the answer is yes. asked is false where nobody can be asked: input or
// notes go elsewhere. No more than the line is read.
func (s *Streams) Ask(question string) (yes, asked bool) {
	if !IsTerminal(s.In) || !IsTerminal(s.Err) {
		return false, false
	}
	fmt.Fprintf(s.Err, "%s [y/N] ", Printable(question))
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := s.In.Read(one)
		if n == 1 {
			line = append(line, one[0])
		}
		if err != nil || n == 1 && one[0] == '\n' {
			break
		}
	}
	switch strings.ToLower(strings.TrimSpace(string(line))) {
	case "y", "yes":
		return true, true
	}
	return false, true
}
