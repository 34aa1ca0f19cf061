package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder's config.json cases are run without being asked for, what is wrong with one is said, and so are folders that are no topic.
func TestConfigTopic(t *testing.T) {
	good := string(mustRead(t, familyGoldens+"/config/cases.json"))
	for name, c := range map[string]struct{ old, new, want string }{
		"as they are": {"", "", "75 passed, 0 failed, 1 left out"},
		"a meaning":   {`"layers": 3`, `"layers": 4`, "74 passed, 1 failed, 1 left out"},
		"a refusal":   {`"refuse_because_of": "`, `"refuse_because_of": "no_`, "want a refusal that names no_"},
		"neither":     {`"expect": {`, `"expected": {`, "neither expect nor refuse_because_of"},
	} {
		dir := t.TempDir()
		for _, topic := range []string{"config", "training"} {
			if err := os.Mkdir(filepath.Join(dir, topic), 0o755); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, filepath.Join(dir, topic, "cases.json"), []byte(strings.Replace(good, c.old, c.new, 1)))
		}
		var out bytes.Buffer
		if _, err := run(options{dir: dir, engine: "reference"}, &out); err != nil || !strings.Contains(out.String(), c.want) ||
			!strings.Contains(out.String(), "left out: no topic of this version") {
			t.Errorf("%s: %v, want %q:\n%s", name, err, c.want, &out)
		}
	}
}
