package main

import (
	"encoding/json"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
	"muninn/shaders/tune"
	"muninn/vk/vktest"
)

// What tune measures is printed and kept; later starts and devices -v have it.
func TestTune(t *testing.T) {
	const shape = "512,8,1408,4096,1,2,1" // not so small that nothing is measured
	for n, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			i := invocation{env: map[string]string{"MUNINN_CACHE_DIR": t.TempDir(), "MUNINN_DEVICE": device}}
			o := i.run("tune", "--shape", shape, "--quant", "bf16", "--tune", "quick", "--json")
			o.wants(t, cli.ExitOK, "", "measuring how this device does best")
			var found tuned
			if err := json.Unmarshal([]byte(o.out), &found); err != nil || found.Level != tune.Quick || found.Model != "512x4" || found.Ratio > 1 {
				t.Errorf("%v: %+v", err, found)
			}
			list := i.run("devices", "-v")
			list.wants(t, cli.ExitOK, "MEASURED (quick", "")
			for _, c := range found.Choices {
				if !strings.Contains(list.out, tune.Named(c.Product)) {
					t.Errorf("devices -v does not say %s", tune.Named(c.Product))
				}
			}
			if n > 0 {
				return
			}
			says := saidTuned(found.Result)
			b := i.run("bench", "--shape", shape, "--quant", "bf16", "-p", "0", "-n", "1", "-r", "1", "--reps", "1", "-o", "json")
			if b.wants(t, cli.ExitOK, says, "kernels "+says); strings.Contains(b.err, "measuring how") {
				t.Errorf("measured again: %s", b.err)
			}
		})
	}
}
