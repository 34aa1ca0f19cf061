package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/vk/vktest"
)

const familyGoldens = goldens + "/family"

// shortFamilyCases are the cases that short tests run of the families' topics.
var shortFamilyCases = map[string]string{"ouro": "last_exited.q0.8", "hrm": "greedy.prefix", "retro": "chunks", "nanbeige": "greedy.T3"}

// holdsFamilies holds an engine to the other families' cases that the repository keeps, or to the short ones.
func holdsFamilies(t *testing.T, engine, device string, short bool) {
	t.Helper()
	for _, topic := range slices.Sorted(maps.Keys(shortFamilyCases)) {
		o := options{dir: familyGoldens, engine: engine, device: device, topics: []string{topic}}
		if short {
			o.caseName = shortFamilyCases[topic]
		}
		holds(t, o)
	}
}

func TestReferenceFamilies(t *testing.T) { holdsFamilies(t, "reference", "", testing.Short()) }

func TestDeviceFamilies(t *testing.T) {
	for i, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) { holdsFamilies(t, "device", device, testing.Short() || i > 0) })
	}
}

// What is wrong with a family's golden is reported.
func TestSpoiledFamilyGoldens(t *testing.T) {
	real, err := filepath.Abs(familyGoldens)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		topic, file, only string
		old, new          string // in the json
		want              string
	}{
		"a prompt":          {"ouro", "W", "decode_last.q0.6", `"prompt": [`, `"prompt": [7, `, "token "},
		"steps of a token":  {"ouro", "W", "last_exited.q0.3", `"steps": [3, 2,`, `"steps": [3, 3,`, "steps of token 1 is 2, want 3"},
		"steps of a prompt": {"ouro", "W", "shared.q0.6.prompt_exits", `"prompt_steps": [1, 1, 2`, `"prompt_steps": [1, 2, 2`, "steps of prompt row 1"},
		"a cache rule":      {"ouro", "W", "shared.q0.6.prompt_exits", `"kv": "shared"`, `"kv": "none"`, `kv "none" is not known`},
		"an exit step":      {"ouro", "W", "len7", `"0.05": [1, 1, 1, 2, 2, 1, 1]`, `"0.05": [1, 1, 1, 2, 2, 1, 2]`, "step at threshold 0.05 of row 6"},
		"cycles":            {"hrm", "H", "greedy.H3L1.prefix", `"L_cycles": 1`, `"L_cycles": 2`, "token"},
		"a prefix":          {"hrm", "H", "greedy.half", `"prefix": 2`, `"prefix": 3`, ""},
		"a mode":            {"retro", "S", "embed-init.len7", `"mode": "embed-init"`, `"mode": "skip-adapter"`, "row 0"},
		"a depth":           {"nanbeige", "N", "greedy.T3", `"loops": 3`, `"loops": 2`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(filepath.Join(real, "models"), filepath.Join(dir, "models")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, c.topic), 0o755); err != nil {
				t.Fatal(err)
			}
			from, to := filepath.Join(real, c.topic, c.file), filepath.Join(dir, c.topic, c.file)
			text := string(mustRead(t, from+".json"))
			at := strings.Index(text, `"`+c.only+`"`)
			if at < 0 || !strings.Contains(text[at:], c.old) {
				t.Fatalf("no %s in case %s", c.old, c.only)
			}
			mustWrite(t, to+".json", []byte(text[:at]+strings.Replace(text[at:], c.old, c.new, 1)))
			mustWrite(t, to+".safetensors", mustRead(t, from+".safetensors"))
			var out bytes.Buffer
			s, err := run(options{dir: dir, engine: "reference", topics: []string{c.topic}, caseName: c.only}, &out)
			if err != nil || s.Failed == 0 || !strings.Contains(out.String(), c.want) {
				t.Errorf("error %v, %d failed, want %q:\n%s", err, s.Failed, c.want, &out)
			}
		})
	}
}
