package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/model/store"
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

func commandNames(table []*Command) []string {
	return Each(table, func(c *Command) string { return c.Name })
}

// arguments are the words that a command's first argument can be, and whether it can be a file.
func arguments(c *Command, table []*Command) (words []string, files bool) {
	switch {
	case c.Name == "help":
		return commandNames(table), false
	case c.Name == "completion":
		return slices.Sorted(maps.Keys(completions())), false
	case strings.HasPrefix(strings.TrimPrefix(c.Args, "["), "MODEL"):
		return append([]string{store.DemoName}, Each(store.Aliases, func(a store.Alias) string { return a.Name })...), true
	}
	return nil, strings.HasPrefix(c.Args, "SRC")
}

// quoted is words for bash and zsh, each in quotes where it needs them.
func quoted(words []string) string {
	return strings.Join(Each(words, func(w string) string {
		if strings.ContainsAny(w, " '()&;|*\"$") {
			return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		return w
	}), " ")
}

func bashCompletion(w io.Writer, table []*Command) {
	fmt.Fprint(w, `# bash completion of muninn
_muninn_offer() {
    local word
    for word; do case $word in "$cur"*) COMPREPLY+=("$word") ;; esac; done
}
_muninn_files() {
    local name
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$cur")
}
_muninn() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    # The words of --quant=q are three.
    if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
    cur=${cur//\\/} cur=${cur#[\"\']}
    if [ "$COMP_CWORD" -eq 1 ]; then
        _muninn_offer `+quoted(commandNames(table))+`
        return
    fi
    case "${COMP_WORDS[1]} $prev" in
`)
	for _, c := range table {
		for _, f := range c.AllFlags() {
			if FlagValue(f) == "" {
				continue
			}
			pattern, offer := fmt.Sprintf("'%s --%s'", c.Name, f.Name), ""
			if f.Shorthand != "" {
				pattern += fmt.Sprintf("|'%s -%s'", c.Name, f.Shorthand)
			}
			if v := f.Annotations[offered]; v != nil {
				offer = "_muninn_offer " + quoted(v) + "; "
			} else if FlagValue(f) == "file" {
				offer = "_muninn_files; "
			}
			fmt.Fprintf(w, "    %s) %sreturn ;;\n", pattern, offer)
		}
	}
	fmt.Fprint(w, "    esac\n    case \"${COMP_WORDS[1]} $cur\" in\n")
	for _, c := range table {
		flags := Each(c.AllFlags(), func(f *pflag.Flag) string { return "--" + f.Name })
		words, files := arguments(c, table)
		offer := "_muninn_offer " + quoted(words)
		if files {
			offer += "; _muninn_files"
		}
		fmt.Fprintf(w, "    '%s '-*) _muninn_offer %s ;;\n    '%s '*) %s ;;\n", c.Name, strings.Join(flags, " "), c.Name, offer)
	}
	fmt.Fprint(w, "    esac\n}\ncomplete -o filenames -F _muninn muninn\n")
}

// zshQuote protects text inside single quotes and the brackets of _arguments.
func zshQuote(text string) string {
	return strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

// zshFlag is a flag as _arguments takes it.
func zshFlag(f *pflag.Flag) string {
	text := "[" + zshQuote(flagText(f)) + "]"
	name := FlagValue(f)
	switch {
	case name == "" && f.Shorthand == "":
		return fmt.Sprintf("'--%s%s'", f.Name, text)
	case name == "":
		return fmt.Sprintf("'(-%[1]s --%[2]s)'{-%[1]s,--%[2]s}'%[3]s'", f.Shorthand, f.Name, text)
	}
	text += ":" + f.Name + ":"
	if v := f.Annotations[offered]; v != nil {
		// A space within a word is protected, those between words are not.
		text += "(" + strings.ReplaceAll(strings.ReplaceAll(zshQuote(strings.Join(v, "\n")), " ", `\ `), "\n", " ") + ")"
	} else if name == "file" {
		text += "_files"
	}
	often := ""
	if f.Value.Type() == "stringArray" {
		often = "*"
	}
	form := fmt.Sprintf("'%s--%s=%s'", often, f.Name, text)
	if f.Shorthand != "" {
		form += fmt.Sprintf(" \\\n      '%s-%s+%s'", often, f.Shorthand, text)
	}
	return form
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
			fmt.Fprintf(w, " \\\n      %s", zshFlag(f))
		}
		switch words, files := arguments(c, table); {
		case words != nil && files:
			fmt.Fprintf(w, " \\\n      '1:argument:_alternative \"words:word:(%s)\" \"files:file:_files\"'", strings.Join(words, " "))
		case words != nil:
			fmt.Fprintf(w, " \\\n      '1:argument:(%s)'", strings.Join(words, " "))
		case files:
			fmt.Fprint(w, " \\\n      '*:file:_files'")
		}
		fmt.Fprint(w, "\n    ;;\n")
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
		words, files := arguments(c, table)
		if !files {
			fmt.Fprintf(w, "%s -f\n", seen)
		}
		if words != nil {
			fmt.Fprintf(w, "%s -a '%s'\n", seen, strings.Join(words, " "))
		}
		for _, f := range c.AllFlags() {
			line := seen + " -l " + f.Name
			if f.Shorthand != "" {
				line += " -s " + f.Shorthand
			}
			if v := f.Annotations[offered]; v != nil {
				line += " -x -a '" + fishQuote(quoted(v)) + "'"
			} else if name := FlagValue(f); name == "file" {
				line += " -r -F"
			} else if name != "" {
				line += " -x"
			}
			fmt.Fprintf(w, "%s -d '%s'\n", line, fishQuote(flagText(f)))
		}
	}
}
