package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// prepare has consoles understand escape sequences, which those before Windows Terminal do for programs that ask. One that cannot is
// as a dumb terminal. An abort leaves no core file here.
func prepare() {
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		var mode uint32
		console := windows.Handle(f.Fd())
		if windows.GetConsoleMode(console, &mode) == nil && windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) != nil {
			_ = os.Setenv("TERM", "dumb")
		}
	}
}
