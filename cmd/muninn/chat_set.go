package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

// chosenFlags are the flags that were given, with their values.
func chosenFlags(fs *pflag.FlagSet) map[string][]string {
	chosen := map[string][]string{}
	fs.Visit(func(f *pflag.Flag) {
		chosen[f.Name] = []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			chosen[f.Name] = list.GetSlice()
		}
	})
	return chosen
}

// givenFlags sets flags as they were chosen, those that a set has.
func givenFlags(fs *pflag.FlagSet, chosen map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		if fs.Lookup(name) == nil {
			continue
		}
		for _, value := range chosen[name] {
			if err := fs.Set(name, value); err != nil {
				return cli.Usage("--%s %s: %v", name, value, errors.Unwrap(err))
			}
		}
	}
	return nil
}

// with is the options and the plan with other flags; nothing is changed yet.
func (c *chatting) with(edit func(chosen map[string][]string)) (*runOptions, plan, map[string][]string, error) {
	chosen := maps.Clone(c.chosen)
	edit(chosen)
	o := &runOptions{decodeOptions: decodeOptions{talks: true, Model: c.o.Model}}
	if err := givenFlags((&cli.Command{Flags: o.addFlags}).FlagSet(&cli.GlobalOptions{}), chosen); err != nil {
		return nil, plan{}, nil, err
	}
	steps, strategy, err := o.depth(c.ck.Config)
	if err != nil {
		return nil, plan{}, nil, err
	}
	p, err := o.plan(c.s, c.ck, steps, strategy)
	return o, p, chosen, err
}

// change takes other flags from here on, or none of them.
func (c *chatting) change(edit func(chosen map[string][]string)) error {
	o, p, chosen, err := c.with(edit)
	if err != nil {
		return err
	}
	form := c.talk.Options
	c.talk.Options = o.form()
	if _, err := c.talk.Prompt("?"); err != nil {
		c.talk.Options = form
		return err
	}
	if err := c.resize(p); err != nil {
		c.talk.Options = form
		return err
	}
	c.o, c.p, c.chosen = o, p, chosen
	return nil
}

// settable tells whether a flag may be set within a chat: what is about the text, how it is sampled, and its depth.
func settable(f *pflag.Flag) bool {
	return slices.Contains([]string{"Text", "Sampling", "Depth"}, cli.GroupOf(f)) && f.Name != "decode" && f.Name != "system"
}

// set is /set: without a name it shows all that can be set; default leaves a flag open again.
func (c *chatting) set(rest string) error {
	name, value, given := strings.Cut(rest, " ")
	name = strings.TrimLeft(name, "-")
	flags := (&cli.Command{Flags: c.o.addFlags}).FlagSet(&cli.GlobalOptions{})
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if settable(f) && !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if name == "" {
		t := cli.NewTable(c.s, c.s.Err)
		for _, n := range names {
			t.Row(n, c.setting(flags.Lookup(n)))
		}
		t.Print()
		return nil
	}
	f := flags.Lookup(name)
	switch {
	case !slices.Contains(names, name):
		return cli.Usage("/set %s: there is no such setting%s; /set lists them", name, cli.Suggestion(name, "", names))
	case !given:
		c.say("%s is %s", name, c.setting(f))
		return nil
	}
	value = strings.TrimSpace(value)
	err := c.change(func(chosen map[string][]string) {
		if delete(chosen, name); value != "default" {
			chosen[name] = []string{strings.Trim(value, `"`)}
		}
	})
	if err == nil {
		c.say("%s is %s", name, c.setting(f))
	}
	return err
}

// setting is what a flag stands at.
func (c *chatting) setting(f *pflag.Flag) string {
	if values, ok := c.chosen[f.Name]; ok {
		return strings.Join(values, ", ")
	}
	return cmp.Or(strings.Trim(f.DefValue, "[]"), "not set")
}

// depth is /depth.
func (c *chatting) depth(rest string) error {
	if rest != "" {
		err := c.change(func(chosen map[string][]string) {
			delete(chosen, "effort")
			chosen["num-steps"] = []string{rest}
		})
		if err != nil {
			return err
		}
	}
	c.say("depth %d", c.p.request.Steps)
	return nil
}

// effort is /effort: it takes the place of what was said of the depth before.
func (c *chatting) effort(rest string) error {
	names := cli.Each(decode.Efforts, func(e decode.Effort) string { return e.Name })
	if rest == "" {
		c.say("effort %s; want one of %s", cmp.Or(c.o.Effort, "not set"), strings.Join(names, ", "))
		return nil
	}
	if !slices.Contains(names, rest) {
		return cli.Usage("/effort %s: want one of %s", rest, strings.Join(names, ", "))
	}
	err := c.change(func(chosen map[string][]string) {
		for _, name := range append([]string{"num-steps", "criterion"}, exitFlags...) {
			delete(chosen, name)
		}
		chosen["effort"] = []string{rest}
	})
	if err == nil {
		c.say("effort %s: depth %d, criterion %s", rest, c.p.request.Steps, c.criterionNow())
	}
	return err
}

// criterion is /criterion NAME [THRESHOLD].
func (c *chatting) criterion(rest string) error {
	if name, threshold, given := strings.Cut(rest, " "); name != "" {
		err := c.change(func(chosen map[string][]string) {
			delete(chosen, "exit-threshold")
			if name == noCriterion {
				for _, exit := range exitFlags {
					delete(chosen, exit)
				}
			} else if given {
				chosen["exit-threshold"] = []string{strings.TrimSpace(threshold)}
			}
			chosen["criterion"] = []string{name}
		})
		if err != nil {
			return err
		}
	}
	c.say("criterion %s", c.criterionNow())
	return nil
}

func (c *chatting) criterionNow() string {
	exit := c.p.request.Strategy.Exit
	if exit == nil {
		return noCriterion
	}
	return fmt.Sprintf("%s, threshold %g", exit.Criterion, exit.Limit())
}
