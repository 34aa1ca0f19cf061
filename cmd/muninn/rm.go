package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/store"
	"muninn/model/store/hub"
)

type rmOptions struct{ Yes, JSON bool }

func (o *rmOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.Yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each revision that was removed")
}

func rmCommand() *cli.Command {
	o := &rmOptions{}
	return &cli.Command{
		Name: "rm", Args: "MODEL...", Min: 1, Max: -1,
		Summary: "remove models from the hub cache",
		Detail: `MODEL is a name as "muninn list" shows it, or a short name. With @REVISION (a branch, tag or commit) only that revision
goes; files that another revision shares stay. Other programs that use the hub cache lose the model too. Its quantized
copies stay: see "muninn cache".`,
		Examples: []string{"muninn rm ouro-1.4b", "muninn rm ByteDance/Ouro-1.4B@main --yes"},
		Flags:    o.addFlags,
		Run: func(_ context.Context, s *cli.Streams, args []string) error {
			for _, model := range args {
				if err := o.remove(s, model); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// removed is what rm prints with --json.
type removed struct {
	Model  string `json:"model"`
	Commit string `json:"commit"`
	Freed  int64  `json:"freed_bytes"`
}

func (o *rmOptions) remove(s *cli.Streams, model string) error {
	name, ok := store.HubName(model)
	if !ok {
		return cli.Usage("%s is not the name of a model in the hub cache (`muninn list` shows them); rm removes no other files", model)
	}
	if name.File != "" {
		return cli.Usage("rm removes models whole: %s", name.Repo)
	}
	cache := hub.Cache{Dir: hub.Dir()}
	all, err := cache.Models()
	if err != nil {
		return err
	}
	var bytes int64
	all = slices.DeleteFunc(all, func(h hub.Held) bool {
		return h.Name.Repo != name.Repo || name.Revision != "" && h.Name.Revision != name.Revision && !slices.Contains(h.Refs, name.Revision)
	})
	for _, h := range all {
		bytes += h.Size()
	}
	if len(all) == 0 {
		return cli.Usage("%s is not in the hub cache %s; `muninn list` shows what is", name, cache.Dir)
	}
	if err := sure(s, o.Yes, fmt.Sprintf("Remove %s, %s (%s), from %s?", name, cli.Plural(len(all), "revision"), cli.Size(uint64(bytes)), cache.Dir)); err != nil {
		return err
	}
	for _, h := range all {
		freed, err := cache.Remove(h)
		if err != nil {
			return err
		}
		if o.JSON {
			if err := cli.JSONLines(s.Out).Encode(removed{h.Name.Repo, h.Name.Revision, freed}); err != nil {
				return err
			}
			continue
		}
		s.Note("removed %s: %s", h.Name, cli.Size(uint64(freed)))
	}
	return nil
}
