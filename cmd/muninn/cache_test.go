package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muninn/cmd/muninn/cli"
)

// A damaged file in the cache of weights is made anew, whatever byte of it changed.
func TestRunHealsTheCache(t *testing.T) {
	eachDevice(t, func(t *testing.T, device string) {
		dir := t.TempDir()
		run := func() outcome {
			return invocation{env: map[string]string{"MUNINN_CACHE_DIR": dir}}.run("run", "demo", "--prompt-ids", "1,4", "-n", "3", "-r", "2", "--greedy", "--quant", "q8_0", "--device", device)
		}
		want := run()
		files, err := filepath.Glob(filepath.Join(dir, "weights", "*.gguf"))
		if err != nil || len(files) != 1 || want.code != cli.ExitOK {
			t.Fatalf("%v, %v, %q", files, err, want.err)
		}
		for _, part := range []float64{0.7} {
			data, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			data[int(part*float64(len(data)))] ^= 4
			if err := os.WriteFile(files[0], data, 0o600); err != nil {
				t.Fatal(err)
			}
			o := run()
			if o.code != cli.ExitOK || o.out != want.out || strings.Count(o.err, "cannot be used and are re-created") != 1 {
				t.Errorf("%v of the file: exit status %d, %q, %q", part, o.code, o.out, o.err)
			}
			if o := run(); o.out != want.out || strings.Contains(o.err, "re-created") || !strings.Contains(o.err, "weights from the cache") {
				t.Errorf("%v of the file, then: %q, %q", part, o.out, o.err)
			}
		}
	})
}
