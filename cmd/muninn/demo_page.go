package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"

	"muninn/cmd/muninn/cli"
	"muninn/model/store"
)

// demoSteps is how deep the page's slider goes: beyond the longest chain, to see that more steps change nothing then.
const demoSteps = 32

// demoPage serves the demo model with the page, to this machine alone.
func demoPage(ctx context.Context, s *cli.Streams, o *demoOptions) error {
	if o.JSON {
		return cli.Usage("--json is for what the demo measures; the page measures nothing by itself")
	}
	c := serveCommand()
	served := &serveOptions{}
	c.Flags = served.addFlags
	fs := c.FlagSet(&cli.GlobalOptions{})
	if err := fs.Parse([]string{fmt.Sprintf("--port=%d", o.Port), fmt.Sprintf("--max-steps=%d", demoSteps), "--temp=0"}); err != nil {
		return err
	}
	served.deviceOptions = o.deviceOptions
	served.prefill = true // answers are a token or two, of which the first leaves with the prompt
	quiet := *s           // requests are not for whoever looks at the page
	quiet.Quiet = true
	served.listening = func(url string) {
		s.Note("the page is at %s until Ctrl-C", url)
		if command := browser(runtime.GOOS, s.Env, url); command != nil && !o.NoBrowser {
			if path, err := exec.LookPath(command[0]); err == nil {
				_ = exec.Command(path, command[1:]...).Start() // the address is printed anyway
			}
		}
	}
	return serveModels(ctx, &quiet, served, []string{store.DemoName})
}

// browser is the command that opens an address in the user's browser; nil: there is no screen for one.
func browser(system string, env func(string) (string, bool), url string) []string {
	screen := func(name string) bool { v, _ := env(name); return v != "" }
	switch {
	case system == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case system == "darwin":
		return []string{"open", url}
	case screen("DISPLAY") || screen("WAYLAND_DISPLAY"):
		return []string{"xdg-open", url}
	}
	return nil
}
