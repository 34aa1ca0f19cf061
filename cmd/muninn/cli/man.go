package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

func manCommand(table func() []*Command) *Command {
	return &Command{
		Name:     "man",
		Summary:  "print the manual page",
		Examples: []string{"muninn man > ~/.local/share/man/man1/muninn.1"},
		Run: func(_ context.Context, s *Streams, _ []string) error {
			writeMan(s.Out, table())
			return nil
		},
	}
}

// Roff escapes text for a manual page: backslashes, hyphens that are to be typed, and control characters at line starts.
func Roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

// writeMan writes the manual page in roff.
func writeMan(w io.Writer, table []*Command) {
	paragraphs := func(text string) string { return strings.ReplaceAll(Roff(text), "\n\n", "\n.PP\n") }
	fmt.Fprintf(w, ".TH MUNINN 1\n.SH NAME\nmuninn \\- %s\n.SH SYNOPSIS\n.B muninn\n.I COMMAND\n[ARGUMENTS] [FLAGS]\n",
		Roff(strings.TrimPrefix(about, "muninn ")))
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, c := range table {
		fmt.Fprintf(w, ".SS %s\n%s.\n", Roff(strings.TrimSpace("muninn "+c.Name+" "+c.Args)), Roff(strings.ToUpper(c.Summary[:1])+c.Summary[1:]))
		if c.Detail != "" {
			fmt.Fprintf(w, ".PP\n%s\n", paragraphs(c.Detail))
		}
		groups := c.groups()
		for _, g := range groups[:len(groups)-1] {
			if g.heading != "Flags" {
				fmt.Fprintf(w, ".PP\n%s:\n", Roff(g.heading))
			}
			manFlags(w, g.flags)
		}
		if len(c.Examples) > 0 {
			fmt.Fprintf(w, ".PP\nExamples:\n.nf\n%s\n.fi\n", Roff(strings.Join(c.Examples, "\n")))
		}
	}
	fmt.Fprint(w, ".SH FLAGS OF EVERY COMMAND\n")
	global := table[0].groups()
	manFlags(w, global[len(global)-1].flags)
	fmt.Fprintf(w, ".SH ENVIRONMENT\n%s\n.SH EXIT STATUS\n%s.\n", paragraphs(environmentText), paragraphs(exitText))
}

func manFlags(w io.Writer, flags []*pflag.Flag) {
	for _, f := range flags {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", Roff(flagSynopsis(f)), Roff(flagText(f)))
	}
}
