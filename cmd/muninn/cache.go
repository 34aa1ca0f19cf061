package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/store"
)

type cacheOptions struct {
	Clear     string
	Yes, JSON bool
}

func (o *cacheOptions) addFlags(fs *pflag.FlagSet) {
	cli.ChoiceVar(fs, &o.Clear, "clear", "", append(store.KeptKinds(), "all"), "remove the files of one kind, or all")
	fs.BoolVarP(&o.Yes, "yes", "y", false, "do not ask before removing")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object")
}

func cacheCommand() *cli.Command {
	o := &cacheOptions{}
	return &cli.Command{
		Name: "cache", Max: 0,
		Summary: "show or clear what muninn keeps to start faster",
		Detail: `The cache holds quantized copies of models (weights), kernels that drivers compiled (kernels), and results of tests and
measurements on devices (measurements). Anything removed is made again when it is needed. MUNINN_CACHE_DIR says where
the cache is. Fetched models are elsewhere: "muninn list" shows them and "muninn rm" removes them.`,
		Examples: []string{"muninn cache", "muninn cache --clear weights"},
		Flags:    o.addFlags,
		Run:      func(_ context.Context, s *cli.Streams, _ []string) error { return cache(s, o) },
	}
}

// keptDir is where everything is that is kept.
func keptDir(s *cli.Streams) string {
	dir, _ := s.Env("MUNINN_CACHE_DIR")
	return cmp.Or(dir, store.CacheDir())
}

// cacheDescription is what cache prints with --json.
type cacheDescription struct {
	Folder string       `json:"folder"`
	Bytes  int64        `json:"bytes"`
	Files  []store.Kept `json:"files"`
	Freed  int64        `json:"freed_bytes"`
}

func cache(s *cli.Streams, o *cacheOptions) error {
	d := cacheDescription{Folder: keptDir(s)}
	if o.Clear != "" {
		if err := d.clear(s, o); err != nil {
			return err
		}
	}
	list, err := store.ListKept(d.Folder)
	if err != nil {
		return err
	}
	d.Files = append([]store.Kept{}, list...)
	for _, f := range list {
		d.Bytes += f.Bytes
	}
	if o.JSON {
		return cli.JSONLines(s.Out).Encode(d)
	}
	fmt.Fprintf(s.Out, "%s: %s\n", d.Folder, cli.Size(uint64(d.Bytes)))
	t := cli.NewTable(s, s.Out)
	for _, kind := range store.KeptKinds() {
		files := slices.DeleteFunc(slices.Clone(list), func(k store.Kept) bool { return k.Kind != kind })
		if len(files) > 0 {
			t.Row(kind, cli.Plural(len(files), "file"), cli.Size(total(files)), "")
		}
		for _, f := range files {
			if f.Model != "" {
				t.Row("", f.Model, cli.Size(uint64(f.Bytes)), f.Format())
			}
		}
	}
	t.Print()
	return nil
}

func total(files []store.Kept) (n uint64) {
	for _, f := range files {
		n += uint64(f.Bytes)
	}
	return n
}

// clear removes what was asked for, after a question.
func (d *cacheDescription) clear(s *cli.Streams, o *cacheOptions) (err error) {
	kinds := []string{o.Clear}
	if o.Clear == "all" {
		kinds = store.KeptKinds()
	}
	list, err := store.ListKept(d.Folder)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(k store.Kept) bool { return !slices.Contains(kinds, k.Kind) })
	if len(list) == 0 {
		s.Note("nothing to remove")
		return nil
	}
	if err := sure(s, o.Yes, fmt.Sprintf("Remove %s (%s) of %s?", cli.Plural(len(list), "file"), cli.Size(total(list)), strings.Join(kinds, ", "))); err != nil {
		return err
	}
	d.Freed, err = store.ClearKept(d.Folder, kinds...)
	s.Note("removed %s", cli.Size(uint64(d.Freed)))
	return err
}

// sure asks before something is removed; --yes answers.
func sure(s *cli.Streams, yes bool, question string) error {
	if yes {
		return nil
	}
	yes, asked := s.Ask(question)
	switch {
	case !asked:
		return cli.Usage("%s Confirm with --yes", question)
	case !yes:
		return fmt.Errorf("nothing was removed")
	}
	return nil
}
