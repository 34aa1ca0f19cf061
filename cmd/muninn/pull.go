package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/store"
)

type pullOptions struct {
	hubOptions
	JSON bool
}

func (o *pullOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.Yes, "yes", "y", false, "do not ask, however large the model is")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object for each model")
}

func pullCommand() *cli.Command {
	o := &pullOptions{}
	return &cli.Command{
		Name: "pull", Args: "MODEL...", Min: 1, Max: -1,
		Summary: "fetch models from the hub",
		Detail: `MODEL is ORG/NAME or ORG/NAME@REVISION, a branch, tag or commit, or a short name (sizes at 16 bits
a weight; a hub may hold more); behind ORG/NAME, :FILE.gguf names one of several GGUF files:

` + aliasHelp() + `

Prints the folder that then holds the model; every command takes the name. On a terminal, asks before it fetches more
than 1 GiB.

The files go to the cache that the hub's own tools use; files that any of them fetched are not fetched again. Only the
files that muninn reads are taken: config, tokenizer and chat template, and the weights as model.safetensors, else the
shards that its index names, else the only GGUF file. Each is checked against the hub's checksum before it gets its
name. After an interrupt or a broken connection, the same command goes on where it stopped.

Variables: HF_HUB_CACHE or HF_HOME say where the cache is, HF_TOKEN or HF_TOKEN_PATH give a token for private and gated
models, HF_ENDPOINT names another hub, HF_HUB_OFFLINE=1 forbids asking any; HTTPS_PROXY and SSL_CERT_FILE hold as usual.`,
		Examples: []string{"muninn pull ouro-1.4b", "muninn pull tomg-group-umd/huginn-0125@main"},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			for _, model := range args {
				if err := o.pull(ctx, s, model); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// aliasHelp has a line for each short name.
func aliasHelp() string {
	return strings.Join(cli.Each(store.Aliases, func(a store.Alias) string {
		return fmt.Sprintf("  %-20s%s (%s, %s)", a.Name, a.Repo, cli.Size(uint64(2*a.Weights)), a.Licence)
	}), "\n")
}

// pulled is what pull prints with --json.
type pulled struct {
	Model    string `json:"model"`
	Revision string `json:"revision"`
	Commit   string `json:"commit"`
	Path     string `json:"path"`
	Bytes    int64  `json:"bytes"`
	Fetched  int64  `json:"fetched_bytes"`
}

func (o *pullOptions) pull(ctx context.Context, s *cli.Streams, model string) error {
	name, ok := store.HubName(model)
	if !ok {
		return cli.Usage("%s is not the name of a model on the hub; want ORG/NAME, ORG/NAME@REVISION, ORG/NAME:FILE.gguf or a short name (`muninn list --all` shows them)", model)
	}
	c, err := o.client(s)
	if err != nil {
		return err
	}
	d, err := store.Find(ctx, c, name)
	if err != nil {
		return err
	}
	if d.Left > large && !o.Yes {
		if yes, asked := s.Ask(fmt.Sprintf("Fetch %s?", about(d))); asked && !yes {
			return nil
		}
	}
	path, err := pull(ctx, s, d)
	if err != nil {
		return err
	}
	if o.JSON {
		return cli.JSONLines(s.Out).Encode(pulled{name.Repo, name.Revision, d.Repo.Commit, path, d.Size, d.Left})
	}
	_, err = fmt.Fprintln(s.Out, path)
	return err
}
