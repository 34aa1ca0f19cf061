package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/store"
	"muninn/model/store/hub"
)

type listOptions struct{ All, JSON bool }

func (o *listOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.All, "all", false, "show the models with short names too, here or not, with licences and sizes")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object")
}

func listCommand() *cli.Command {
	o := &listOptions{}
	return &cli.Command{
		Name: "list", Max: 0,
		Summary: "list the models that are here",
		Detail: `Shows the models in the hub cache that muninn can run, whichever program fetched them: the size of their files, and the
quantized copies that "muninn cache" has. --all also shows the models with short names, with the licence of the weights
and the size at 16 bits a weight.`,
		Examples: []string{"muninn list", "muninn list --all"},
		Flags:    o.addFlags,
		Run:      func(_ context.Context, s *cli.Streams, _ []string) error { return list(s, o) },
	}
}

// listed is a model in the hub cache.
type listed struct {
	Model     string   `json:"model"`
	Alias     string   `json:"alias,omitempty"`
	Revisions []string `json:"revisions"` // branches and tags that stand for the commit
	Commit    string   `json:"commit"`
	Family    string   `json:"family"`
	Whole     bool     `json:"whole"` // else files are missing, and it is fetched where it is needed
	Bytes     int64    `json:"bytes"`
	Copies    []string `json:"copies"` // formats of quantized copies
	Path      string   `json:"path"`
}

// list prints what there is.
func list(s *cli.Streams, o *listOptions) error {
	found := struct {
		Cache   string        `json:"cache"`
		Models  []listed      `json:"models"`
		Aliases []store.Alias `json:"aliases,omitempty"`
	}{Cache: hub.Dir()}
	var others int
	var err error
	if found.Models, others, err = listModels(s); err != nil {
		return err
	}
	if o.All {
		found.Aliases = store.Aliases
	}
	if o.JSON {
		return cli.JSONLines(s.Out).Encode(found)
	}
	if len(found.Models) > 0 {
		t := cli.NewTable(s, s.Out, "MODEL", "REVISION", "FAMILY", "SIZE", "COPIES", "SHORT NAME")
		for _, m := range found.Models {
			family := m.Family
			if !m.Whole {
				family += ", not whole"
			}
			t.Row(m.Model, strings.Join(append(m.Revisions, m.Commit[:min(len(m.Commit), 8)]), " "), family, cli.Size(uint64(m.Bytes)), strings.Join(m.Copies, " "), m.Alias)
		}
		t.Print()
	}
	switch {
	case others > 0:
		s.Note("%s in %s that muninn does not run", cli.Plural(others, "other model"), found.Cache)
	case len(found.Models) == 0:
		s.Note("no models in %s; `muninn pull MODEL` fetches one, `muninn list --all` shows some", found.Cache)
	}
	if o.All {
		printAliases(s, len(found.Models) > 0)
	}
	return nil
}

func printAliases(s *cli.Streams, apart bool) {
	if apart {
		fmt.Fprintln(s.Out)
	}
	t := cli.NewTable(s, s.Out, "SHORT NAME", "MODEL", "WEIGHTS", "SIZE", "LICENCE")
	for _, a := range store.Aliases {
		t.Row(a.Name, a.Repo, fmt.Sprintf("%.2f G", float64(a.Weights)/1e9), cli.Size(uint64(2*a.Weights)), a.Licence)
	}
	t.Print()
}

// look finds family and files; an error says that it is no model to be run.
func (m *listed) look() error {
	path, missing := store.Whole(m.Path)
	if missing != nil {
		data, err := os.ReadFile(filepath.Join(m.Path, arch.FileConfig))
		if err != nil {
			return err
		}
		c, _, err := arch.ParseConfig(data, nil)
		if err == nil {
			m.Family = c.FamilyName()
		}
		return err
	}
	ck, err := store.Open(path)
	if err != nil {
		return err
	}
	m.Family, m.Path, m.Whole = ck.Config.FamilyName(), path, true
	return ck.Close()
}

// listModels are the models of the hub cache that can be run or are not whole, and how many there are that cannot.
func listModels(s *cli.Streams) (list []listed, others int, err error) {
	cache := hub.Cache{Dir: hub.Dir()}
	held, err := cache.Models()
	if err != nil {
		return nil, 0, err
	}
	kept, err := store.ListKept(keptDir(s))
	if err != nil {
		return nil, 0, err
	}
	list = []listed{}
	for _, h := range held {
		m := listed{Model: h.Name.Repo, Alias: store.AliasOf(h.Name.Repo).Name, Revisions: append([]string{}, h.Refs...), Commit: h.Name.Revision, Bytes: h.Size(), Copies: []string{}, Path: h.Folder}
		if err := m.look(); err != nil {
			others++
			continue
		}
		for _, k := range kept {
			if k.Model == store.Name(m.Model) && !slices.Contains(m.Copies, k.Format()) {
				m.Copies = append(m.Copies, k.Format())
			}
		}
		list = append(list, m)
	}
	return list, others, nil
}
