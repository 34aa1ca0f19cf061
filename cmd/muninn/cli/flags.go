package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Annotations of flags: the heading of help under which one stands, what sets it apart, and values to offer.
const (
	group    = "group"
	advanced = "advanced"
	offered  = "values"
)

func annotate(f *pflag.Flag, key string, values ...string) {
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = values
}

// Group has the flags that declare adds stand under a heading of their own in help.
func Group(fs *pflag.FlagSet, heading string, declare func()) {
	before := map[string]bool{}
	fs.VisitAll(func(f *pflag.Flag) { before[f.Name] = true })
	declare()
	fs.VisitAll(func(f *pflag.Flag) {
		if !before[f.Name] && f.Annotations[group] == nil {
			annotate(f, group, heading)
		}
	})
}

// GroupOf is the heading of help under which a flag stands; empty for none.
func GroupOf(f *pflag.Flag) string {
	if g := f.Annotations[group]; g != nil {
		return g[0]
	}
	return ""
}

// Advanced leaves flags to --help-all.
func Advanced(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		annotate(fs.Lookup(name), advanced)
	}
}

// Offer names values that completions offer for a flag which takes others too.
func Offer(fs *pflag.FlagSet, name string, values ...string) {
	annotate(fs.Lookup(name), offered, values...)
}

// renamed are flags by names they once had. Those still work, and so do their variables.
var renamed = map[string]string{"sampler": "decode"}

func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	if now, ok := renamed[name]; ok {
		name = now
	}
	return pflag.NormalizedName(name)
}

// envNames are the environment variables of a flag: MUNINN_NUM_STEPS for --num-steps.
func envNames(flag string) []string {
	names := []string{flag}
	for old, now := range renamed {
		if now == flag {
			names = append(names, old)
		}
	}
	for i, name := range names {
		names[i] = variablePrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	}
	return names
}

// fromEnvironment sets the flags that the command line leaves open and a MUNINN_ variable gives, and tells by which variable
// each was set. An empty variable counts as not set.
func fromEnvironment(fs *pflag.FlagSet, env func(string) (string, bool)) (set map[string]string, err error) {
	set = map[string]string{}
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Changed || strings.HasPrefix(f.Name, "help") || err != nil {
			return
		}
		for _, name := range envNames(f.Name) {
			value, _ := env(name)
			if value == "" {
				continue
			}
			if e := fs.Set(f.Name, value); e != nil {
				err = Usage("environment variable %s=%s: %v", name, value, errors.Unwrap(e))
			}
			set[f.Name] = name
			return
		}
	})
	return set, err
}

// variablePrefix begins the names of variables.
const variablePrefix = "MUNINN_"

// otherVariables are those that are of no flag; the ones of tests begin with MUNINN_TEST_.
var otherVariables = []string{"MUNINN_CACHE_DIR", "MUNINN_SKIP_BROWSER", "MUNINN_SKIP_DEVICES"}

// strayVariables says which variables of ours nothing reads. That is no error: scripts may set them for other versions. It comes
// before a command's flags are parsed, since a set of flags begins by giving its variables their defaults.
func strayVariables(environ []string, table []*Command) (notes []string) {
	known := slices.Clone(otherVariables)
	for _, c := range table {
		c.FlagSet(&GlobalOptions{}).VisitAll(func(f *pflag.Flag) { known = append(known, envNames(f.Name)...) })
	}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		word, ours := strings.CutPrefix(name, variablePrefix)
		if ours && !strings.HasPrefix(word, "TEST_") && !slices.Contains(known, name) {
			bare := Each(known, func(name string) string { return strings.TrimPrefix(name, variablePrefix) })
			notes = append(notes, fmt.Sprintf("environment variable %s: no flag has this name%s", name, Suggestion(word, variablePrefix, bare)))
		}
	}
	return notes
}

// custom is a flag's value as text, checked and put where it belongs by set.
type custom struct {
	text, kind string
	set        func(text string) error
}

// Var declares a flag of a kind of value that set takes or refuses.
func Var(fs *pflag.FlagSet, name, letter, value, kind, text string, set func(text string) error) {
	fs.VarP(&custom{value, kind, set}, name, letter, text)
}

// String is the value now.
func (c *custom) String() string { return c.text }

// Type is the value's name.
func (c *custom) Type() string { return c.kind }

// Set takes a value.
func (c *custom) Set(text string) error {
	err := c.set(text)
	if err == nil {
		c.text = text
	}
	return err
}

// ChoiceVar declares a flag that takes one of a list, with its value if not given; help and completions show the list.
func ChoiceVar[T ~string](fs *pflag.FlagSet, p *T, name string, value T, allowed []T, text string) {
	ChoiceVarP(fs, p, name, "", value, allowed, text)
}

// ChoiceVarP is ChoiceVar with a letter.
func ChoiceVarP[T ~string](fs *pflag.FlagSet, p *T, name, letter string, value T, allowed []T, text string) {
	*p = value
	words := Each(allowed, func(a T) string { return string(a) })
	Var(fs, name, letter, string(value), strings.Join(words, "|"), text, func(text string) error {
		if !slices.Contains(words, text) {
			return fmt.Errorf("want one of %s", strings.Join(words, ", "))
		}
		*p = T(text)
		return nil
	})
	Offer(fs, name, words...)
}

// FloatVar declares a flag that takes a number; neither NaN nor an infinite one is any.
func FloatVar(fs *pflag.FlagSet, p *float64, name string, value float64, text string) {
	*p = value
	Var(fs, name, "", strconv.FormatFloat(value, 'g', -1, 64), "number", text, func(text string) (err error) {
		*p, err = finite(text)
		return err
	})
}

// AutoFloatVar declares a flag that takes a number, or auto, which it is if not given.
func AutoFloatVar(fs *pflag.FlagSet, p *string, name, text string) {
	*p = "auto"
	Var(fs, name, "", *p, "auto|number", text, func(text string) error {
		if _, err := finite(text); text != "auto" && err != nil {
			return fmt.Errorf("want auto or a finite number")
		}
		*p = text
		return nil
	})
}

func finite(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("want a finite number")
	}
	return v, nil
}
