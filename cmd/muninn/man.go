package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

func manCommand() *command {
	return &command{
		name:     "man",
		summary:  "print the manual page",
		examples: []string{"muninn man > ~/.local/share/man/man1/muninn.1"},
		run: func(_ context.Context, s *streams, _ []string) error {
			writeMan(s.out, commands())
			return nil
		},
	}
}

// roff escapes text for a manual page: backslashes, hyphens that are to be typed, and control characters at line starts.
func roff(text string) string {
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
func writeMan(w io.Writer, table []*command) {
	paragraphs := func(text string) string { return strings.ReplaceAll(roff(text), "\n\n", "\n.PP\n") }
	fmt.Fprintf(w, ".TH MUNINN 1\n.SH NAME\nmuninn \\- %s\n.SH SYNOPSIS\n.B muninn\n.I COMMAND\n[ARGUMENTS] [FLAGS]\n",
		roff(strings.TrimPrefix(about, "muninn ")))
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, c := range table {
		fmt.Fprintf(w, ".SS %s\n%s.\n", roff(strings.TrimSpace("muninn "+c.name+" "+c.args)), roff(strings.ToUpper(c.summary[:1])+c.summary[1:]))
		if c.detail != "" {
			fmt.Fprintf(w, ".PP\n%s\n", paragraphs(c.detail))
		}
		own, _ := flagsOf(c)
		for _, f := range own {
			fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(flagSynopsis(f)), roff(flagText(f)))
		}
		if len(c.examples) > 0 {
			fmt.Fprintf(w, ".PP\nExamples:\n.nf\n%s\n.fi\n", roff(strings.Join(c.examples, "\n")))
		}
	}
	fmt.Fprint(w, ".SH FLAGS OF EVERY COMMAND\n")
	_, global := flagsOf(table[0])
	for _, f := range global {
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(flagSynopsis(f)), roff(flagText(f)))
	}
	fmt.Fprintf(w, ".SH ENVIRONMENT\n%s\n.SH EXIT STATUS\n%s.\n", paragraphs(environmentText), paragraphs(exitText))
}
