package main

import (
	"encoding/json"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/shaders/tune"
	"muninn/vk/vktest"
)

// What tune measures is printed and kept; later starts and devices -v have it, and --tune off goes by rule all the same.
func TestTune(t *testing.T) {
	for n, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			i := invocation{env: map[string]string{"MUNINN_CACHE_DIR": t.TempDir(), "MUNINN_DEVICE": device}}
			o := i.run("tune", "demo", "--tune", "quick", "--json")
			o.wants(t, cli.ExitOK, "", "measuring how this device does best")
			var found tuned
			if err := json.Unmarshal([]byte(o.out), &found); err != nil || found.Level != tune.Quick || found.Model != "demo" || found.Ratio > 1 {
				t.Errorf("%v: %+v", err, found)
			}
			list := i.run("devices", "-v")
			list.wants(t, cli.ExitOK, "MEASURED (quick", "")
			for _, c := range found.Choices {
				if !strings.Contains(list.out, tune.Named(c.Product)) {
					t.Errorf("devices -v does not say %s", tune.Named(c.Product))
				}
			}
			run := i.run("run", "demo", "k=3;k?", "-n", "1", "--tune", "quick")
			if run.wants(t, cli.ExitOK, "3", ""); strings.Contains(run.err, "measuring how") {
				t.Errorf("measured again: %s", run.err)
			}
			if n > 0 {
				return
			}
			i.run("bench", "demo", "-p", "0", "-n", "1", "--reps", "1", "--tune", "off", "-o", "json").wants(t, cli.ExitOK, `"tuning": "by rule"`, "kernels by rule")
		})
	}
}
