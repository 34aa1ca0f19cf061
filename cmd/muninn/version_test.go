package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/cmd/muninn/cli"
	"muninn/shaders"
)

func TestVersion(t *testing.T) {
	short, long := invoke("--version"), invoke("version")
	if short != long {
		t.Errorf("--version gives %+v, version %+v", short, long)
	}
	long.wants(t, cli.ExitOK, "muninn ", "")
	var b build
	if err := json.Unmarshal([]byte(invoke("version", "--json").out), &b); err != nil {
		t.Fatal(err)
	}
	if b.Go != runtime.Version() || b.Kernels != len(shaders.Names()) || len(b.Shaders) != 16 || b.Version == "" || b.Commit == "" {
		t.Errorf("%+v", b)
	}
	for _, part := range []string{b.Go, b.Shaders, b.Commit, b.Bindings} {
		if !strings.Contains(long.out, part) {
			t.Errorf("%q lacks %q", long.out, part)
		}
	}
}

// What the linker says wins over what the Go tool recorded.
func TestVersionSources(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"},
		Deps:     []*debug.Module{{Path: "golang.org/x/term", Version: "v0.1.0"}, {Path: "github.com/vulkan-go/vulkan", Version: "v0.2.0"}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	for _, c := range []struct{ given, want build }{
		{build{}, build{Version: "v0.3.1", Commit: "abc", Modified: true, Bindings: "github.com/vulkan-go/vulkan v0.2.0"}},
		{build{Version: "1.0", Commit: "def"}, build{Version: "1.0", Commit: "def", Modified: true, Bindings: "github.com/vulkan-go/vulkan v0.2.0"}},
	} {
		c.given.fill(info)
		if diff := cmp.Diff(c.want, c.given); diff != "" {
			t.Error(diff)
		}
	}
}
