package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// completions write a completion script for a shell.
func completions() map[string]func(io.Writer, []*Command) {
	return map[string]func(io.Writer, []*Command){"bash": bashCompletion, "fish": fishCompletion, "zsh": zshCompletion}
}

func completionCommand(table func() []*Command) *Command {
	return &Command{
		Name: "completion", Args: "SHELL", Min: 1, Max: 1,
		Summary: "print a completion script for bash, zsh or fish",
		Examples: []string{
			"source <(muninn completion bash)",
			`muninn completion zsh > "${fpath[1]}/_muninn"`,
			"muninn completion fish > ~/.config/fish/completions/muninn.fish",
		},
		Run: func(_ context.Context, s *Streams, args []string) error {
			write := completions()[args[0]]
			if write == nil {
				known := slices.Sorted(maps.Keys(completions()))
				return Usage("no completions for %q; there are %s", args[0], strings.Join(known, ", "))
			}
			write(s.Out, table())
			return nil
		},
	}
}

// values are the values that a flag takes, when they are a list.
func values(f *pflag.Flag) []string {
	if c, ok := f.Value.(*choice); ok {
		return c.allowed
	}
	return nil
}

// AllFlags are the flags of a command, its own first.
func (c *Command) AllFlags() []*pflag.Flag {
	own, global := flagsOf(c)
	return append(own, global...)
}

func commandNames(table []*Command) []string {
	var names []string
	for _, c := range table {
		names = append(names, c.Name)
	}
	return names
}

// arguments are the words that a command's first argument can be, besides files.
func arguments(c *Command, table []*Command) []string {
	switch {
	case c.Name == "help":
		return commandNames(table)
	case c.Name == "completion":
		return slices.Sorted(maps.Keys(completions()))
	case strings.HasPrefix(c.Args, "MODEL"):
		return []string{"demo"}
	}
	return nil
}

func bashCompletion(w io.Writer, table []*Command) {
	fmt.Fprint(w, `# bash completion of muninn
_muninn() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "`+strings.Join(commandNames(table), " ")+`" -- "$cur"))
        return
    fi
    case "${COMP_WORDS[1]} $prev" in
`)
	for _, c := range table {
		for _, f := range c.AllFlags() {
			if v := values(f); v != nil {
				fmt.Fprintf(w, "    '%s --%s') COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", c.Name, f.Name, strings.Join(v, " "))
			}
		}
	}
	fmt.Fprint(w, "    esac\n    case \"${COMP_WORDS[1]}\" in\n")
	for _, c := range table {
		words := arguments(c, table)
		for _, f := range c.AllFlags() {
			words = append(words, "--"+f.Name)
		}
		fmt.Fprintf(w, "    %s) words='%s' ;;\n", c.Name, strings.Join(words, " "))
	}
	fmt.Fprint(w, `    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    case "$cur" in -*) ;; *) COMPREPLY+=($(compgen -f -- "$cur")) ;; esac
}
complete -o filenames -F _muninn muninn
`)
}

// zshQuote protects text inside single quotes and the brackets of _arguments.
func zshQuote(text string) string {
	return strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

func zshCompletion(w io.Writer, table []*Command) {
	fmt.Fprint(w, "#compdef muninn\n# zsh completion of muninn\n_muninn() {\n  local -a verbs\n  if (( CURRENT == 2 )); then\n    verbs=(\n")
	for _, c := range table {
		fmt.Fprintf(w, "      '%s:%s'\n", c.Name, zshQuote(c.Summary))
	}
	fmt.Fprint(w, "    )\n    _describe command verbs\n    return\n  fi\n  local verb=$words[2]\n  shift words; (( CURRENT-- ))\n  case $verb in\n")
	for _, c := range table {
		fmt.Fprintf(w, "  %s)\n    _arguments", c.Name)
		for _, f := range c.AllFlags() {
			value := ""
			if v := values(f); v != nil {
				value = fmt.Sprintf(":%s:(%s)", f.Name, strings.Join(v, " "))
			} else if name := FlagValue(f); name != "" {
				value = fmt.Sprintf(":%s:_files", zshQuote(name))
			}
			text := zshQuote(flagText(f))
			fmt.Fprintf(w, " \\\n      '--%s[%s]%s'", f.Name, text, value)
			if f.Shorthand != "" {
				fmt.Fprintf(w, " \\\n      '-%s[%s]%s'", f.Shorthand, text, value)
			}
		}
		rest := "*:argument:_files"
		if words := arguments(c, table); words != nil {
			rest = fmt.Sprintf("1:argument:_alternative \"words:word:(%s)\" \"files:file:_files\"", strings.Join(words, " "))
		}
		fmt.Fprintf(w, " \\\n      '%s'\n    ;;\n", rest)
	}
	fmt.Fprint(w, "  esac\n}\nif [ \"$funcstack[1]\" = _muninn ]; then _muninn; else compdef _muninn muninn; fi\n")
}

// fishQuote protects text inside single quotes.
func fishQuote(text string) string {
	return strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text)
}

func fishCompletion(w io.Writer, table []*Command) {
	fmt.Fprint(w, "# fish completion of muninn\n")
	for _, c := range table {
		fmt.Fprintf(w, "complete -c muninn -f -n __fish_use_subcommand -a %s -d '%s'\n", c.Name, fishQuote(c.Summary))
	}
	for _, c := range table {
		seen := "complete -c muninn -n '__fish_seen_subcommand_from " + c.Name + "'"
		if words := arguments(c, table); words != nil {
			fmt.Fprintf(w, "%s -a '%s'\n", seen, strings.Join(words, " "))
		}
		for _, f := range c.AllFlags() {
			line := seen + " -l " + f.Name
			if f.Shorthand != "" {
				line += " -s " + f.Shorthand
			}
			if v := values(f); v != nil {
				line += " -x -a '" + strings.Join(v, " ") + "'"
			} else if FlagValue(f) != "" {
				line += " -r"
			}
			fmt.Fprintf(w, "%s -d '%s'\n", line, fishQuote(flagText(f)))
		}
	}
}
