package cli

import (
	"os"
	"testing"
)

// Printed commands begin with the path that the program was called by.
func TestCalled(t *testing.T) {
	was := os.Args[0]
	defer func() { os.Args[0] = was }()
	for name, want := range map[string]string{
		"muninn": "see `muninn devices`", "bin/muninn": "see `bin/muninn devices`", "/tmp/cli.test": "see `muninn devices`",
		"/a b/muninn": "see `'/a b/muninn' devices`",
	} {
		os.Args[0] = name
		if got := asCalled("see `muninn devices`"); got != want {
			t.Errorf("called as %s: %s, want %s", name, got, want)
		}
	}
}
