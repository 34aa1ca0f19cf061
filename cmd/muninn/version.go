package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
)

// Set by the linker (-ldflags "-X main.version=... -X main.commit=...") in release builds; otherwise the build
// information of the Go tool is used.
var version, commit string

func versionCommand() *cli.Command {
	var asJSON bool
	return &cli.Command{
		Name:    "version",
		Summary: "print version, commit and what the program is built from",
		Flags:   func(fs *pflag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "print one JSON object") },
		Run:     func(_ context.Context, s *cli.Streams, _ []string) error { return printVersion(s, asJSON) },
	}
}

// build is what a bug report needs to know about the program.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"` // built from a changed work tree
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Bindings string `json:"bindings"`
	Kernels  int    `json:"kernels"`
	Shaders  string `json:"shaders"` // hash of all compiled kernels
}

func printVersion(s *cli.Streams, asJSON bool) error {
	b := thisBuild()
	if asJSON {
		return cli.JSONLines(s.Out).Encode(b)
	}
	_, err := fmt.Fprintf(s.Out, "muninn %s\ncommit   %s\ngo       %s %s\nvulkan   %s\nshaders  %s (%d kernels)\n",
		b.Version, b.commit(), b.Go, b.Platform, b.Bindings, b.Shaders, b.Kernels)
	return err
}

// commit says so where the work tree had been changed.
func (b build) commit() string {
	if b.Modified {
		return b.Commit + " (changed)"
	}
	return b.Commit
}

// name is the program in one line.
func (b build) name() string {
	return "muninn " + b.Version + ", commit " + b.commit() + ", shaders " + b.Shaders
}

func thisBuild() build {
	b := build{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Bindings: "none", Kernels: len(shaders.Names()), Shaders: shaders.Sum()}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.fill(info)
	}
	b.Commit = cmp.Or(b.Commit, "unknown")
	if b.Version = cmp.Or(b.Version, "(devel)"); b.Version == "(devel)" {
		b.Version = "development build"
	}
	return b
}

// bindings are the Vulkan modules that may be linked in.
var bindings = []string{"github.com/goki/vulkan", "github.com/vulkan-go/vulkan"}

// fill takes what the Go tool recorded where the linker flags say nothing.
func (b *build) fill(info *debug.BuildInfo) {
	b.Version = cmp.Or(b.Version, info.Main.Version)
	for _, set := range info.Settings {
		switch {
		case set.Key == "vcs.revision" && b.Commit == "":
			b.Commit = set.Value
		case set.Key == "vcs.modified":
			b.Modified = set.Value == "true"
		}
	}
	for _, dep := range info.Deps {
		if slices.Contains(bindings, dep.Path) {
			b.Bindings = dep.Path + " " + dep.Version
		}
	}
}
