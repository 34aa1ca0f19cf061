package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"
)

const goldens = "../../testdata/goldens"

// shortCases are the cases that short tests run of the topics.
var shortCases = map[string]string{
	"forward": "len7", "decode": "chunks", "generate": "stop", "sampling": "",
	"exit": "latent-diff.min_steps=6", "speculative": "draft3.look1.thr1", "diffusion": "freeze_strategy=fixed.headway=2",
}

// holdsShort holds an engine to one case of each topic.
func holdsShort(t *testing.T, engine, device string, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		holds(t, options{dir: goldens, engine: engine, device: device, topics: []string{topic}, caseName: shortCases[topic]})
	}
}

// TestReferenceEngine holds the reference engine to every case that the repository keeps.
func TestReferenceEngine(t *testing.T) {
	if testing.Short() {
		holdsShort(t, "reference", "", slices.Collect(maps.Keys(shortCases))...)
		return
	}
	var out bytes.Buffer
	s, err := run(options{dir: goldens, engine: "reference"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed > 0 || s.Skipped > 0 {
		t.Errorf("%d failed, %d skipped:\n%s", s.Failed, s.Skipped, &out)
	}
	cases := 0
	for _, topic := range topics {
		files, err := filepath.Glob(filepath.Join(goldens, topic.name, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			f, _, err := readFile(path)
			if err != nil {
				t.Fatal(err)
			}
			cases += len(f.Cases) * max(1, len(f.Checkpoints))
		}
	}
	if s.LeftOut != 1 || s.Passed != cases-s.LeftOut {
		t.Errorf("%d cases passed and %d left out, the files have %d", s.Passed, s.LeftOut, cases)
	}
	if lines := strings.Count(out.String(), "\n"); lines != cases+1 {
		t.Errorf("%d lines, want one a case and the totals:\n%s", lines, &out)
	}
}

// spoiled is a copy of one topic's file with something changed.
type spoiled struct {
	topic, file, only string
	json              func(c map[string]any, f map[string]any) // the case named `only`, and the file
	tensor            string                                   // or an array whose middle value is moved by `by`
	by                float32
	bytes             func(path string) // or the files themselves, by their path without extension
}

// write makes a golden folder of the one file; models are those of the repository.
func (s spoiled) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	real, err := filepath.Abs(goldens)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(real, "models"), filepath.Join(dir, "models")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, s.topic), 0o755); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, s.topic, s.file)
	text := mustRead(t, filepath.Join(real, s.topic, s.file+".json"))
	var arrays []byte
	if s.topic != "diffusion" { // which has none
		arrays = mustRead(t, filepath.Join(real, s.topic, s.file+".safetensors"))
	}
	if s.json != nil {
		var f map[string]any
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, c := range f["cases"].([]any) {
			if c := c.(map[string]any); c["name"] == s.only || c["probs"] == s.only {
				s.json(c, f)
				found = true
			}
		}
		if !found {
			t.Fatalf("no case %s in %s/%s", s.only, s.topic, s.file)
		}
		if text, err = json.Marshal(f); err != nil {
			t.Fatal(err)
		}
	}
	if s.tensor != "" {
		file, err := safetensors.Deserialize(arrays)
		if err != nil {
			t.Fatal(err)
		}
		view, ok := file.Tensor(s.tensor)
		if !ok {
			t.Fatalf("no tensor %s", s.tensor)
		}
		p := view.Data()[len(view.Data())/8*4:] // a part of arrays
		binary.LittleEndian.PutUint32(p, math.Float32bits(math.Float32frombits(binary.LittleEndian.Uint32(p))+s.by))
	}
	mustWrite(t, to+".json", text)
	if arrays != nil {
		mustWrite(t, to+".safetensors", arrays)
	}
	if s.bytes != nil {
		s.bytes(to)
	}
	return dir
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustWrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSpoiledGoldens: whatever is wrong with a golden is reported as a failed case that says what.
func TestSpoiledGoldens(t *testing.T) {
	nan := float32(math.NaN())
	set := func(key string, v any) func(c, _ map[string]any) { return func(c, _ map[string]any) { c[key] = v } }
	list := func(key string, i int, v any) func(c, _ map[string]any) {
		return func(c, _ map[string]any) { c[key].([]any)[i] = v }
	}
	const minSteps, fixed = "latent-diff.min_steps=6", "freeze_strategy=fixed.headway=2"
	for name, c := range map[string]struct {
		spoiled
		want string // in the detail; empty: the case passes
	}{
		"forward as it is":        {spoiled{topic: "forward", file: "A", only: "len7"}, ""},
		"a logit":                 {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.r4.logits", by: 1e-3}, "len7.r4.logits row 3 element 256 is"},
		"a logit not a number":    {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.r4.logits", by: nan}, "len7.r4.logits row 3"},
		"a logit of zero state":   {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.zero.r4.logits", by: 1e-3}, "len7.zero.r4.logits row 0"},
		"a stage":                 {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.step2.core.0", by: -1e-3}, "len7.step2.core.0 row 3"},
		"a stage of the coda":     {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.r32.coda.0", by: 1e-3}, "len7.r32.coda.0 row 3"},
		"the initial state":       {spoiled{topic: "forward", file: "A", only: "len7", tensor: "len7.state", by: 1}, "len7.r0.logits row 3"},
		"stages of another depth": {spoiled{topic: "forward", file: "A", only: "len7", json: set("stages_at_r", 2)}, "has no stage"},
		"no such state":           {spoiled{topic: "forward", file: "A", only: "len7", json: set("state", "missing")}, `no tensor "missing"`},
		"a state of other shape":  {spoiled{topic: "forward", file: "A", only: "len7", json: set("state", "len1.state")}, "has shape [1 64], want 7 rows of 64"},
		"a token of the text":     {spoiled{topic: "forward", file: "A", only: "len7", json: list("tokens", 3, 1)}, "len7.r1.logits row 3"},
		"token out of range":      {spoiled{topic: "forward", file: "A", only: "len7", json: list("tokens", 3, 512)}, "vocabulary has 512"},
		"no tokens":               {spoiled{topic: "forward", file: "A", only: "len7", json: set("tokens", []int{})}, "no tokens"},
		"wrong type":              {spoiled{topic: "forward", file: "A", only: "len7", json: set("tokens", "many")}, "case 2"},
		"rows of logits":          {spoiled{topic: "forward", file: "A", only: "len7", json: set("logits", map[string]any{"32": map[string]any{"tensor": "len7.r32.logits", "rows": "first"}})}, "want all or last"},
		"nothing to compare": {spoiled{topic: "forward", file: "A-bf16", only: "len33", json: func(c, _ map[string]any) {
			c["logits"], c["name"] = map[string]any{}, "other"
		}}, "compares nothing"},
		"unknown checkpoint":   {spoiled{topic: "forward", file: "A", only: "len7", json: func(_, f map[string]any) { f["checkpoints"] = []string{"Z"} }}, "Z"},
		"checkpoint elsewhere": {spoiled{topic: "forward", file: "A", only: "len7", json: func(_, f map[string]any) { f["checkpoints"] = []string{"../A-f32"} }}, "not a folder of models/"},
		"no checkpoints":       {spoiled{topic: "forward", file: "A", only: "len7", json: func(_, f map[string]any) { f["checkpoints"] = nil }}, "names no checkpoints"},
		"arrays cut short": {spoiled{topic: "forward", file: "A", only: "len7", bytes: func(p string) { _ = os.Truncate(p+".safetensors", 5000) }},
			"A.safetensors"},
		"arrays missing": {spoiled{topic: "forward", file: "A", only: "len7", bytes: func(p string) { _ = os.Remove(p + ".safetensors") }}, "A.safetensors"},
		"json cut short": {spoiled{topic: "forward", file: "A", only: "len7", bytes: func(p string) { _ = os.Truncate(p+".json", 500) }}, "A.json"},

		"decode as it is":    {spoiled{topic: "decode", file: "C", only: "varied-depth"}, ""},
		"a row of a chunk":   {spoiled{topic: "decode", file: "C", only: "chunks", tensor: "r8.logits", by: 1e-3}, "r8.logits position 10"},
		"too few tokens fed": {spoiled{topic: "decode", file: "C", only: "chunks", json: set("chunks", [][]int{{20}})}, "chunks of 20 tokens in all"},
		"an empty chunk":     {spoiled{topic: "decode", file: "C", only: "chunks", json: set("chunks", [][]int{{21, 0}})}, "chunk of 0 tokens"},
		"one chunk's depth":  {spoiled{topic: "decode", file: "C", only: "chunks", json: set("r", 7)}, "r8.logits position 0"},
		"an unknown strategy": {spoiled{topic: "decode", file: "C", only: "varied-depth", json: set("cache_lookup_strategy", "newest")},
			"unknown lookup strategy"},
		"another strategy": {spoiled{topic: "decode", file: "C", only: "varied-depth", json: set("cache_lookup_strategy", "always-last-m4-compress-s4")},
			"logits position"},
		"a cache slot's count": {spoiled{topic: "decode", file: "C", only: "varied-depth", json: func(c, _ map[string]any) {
			c["entries_per_cache_step"].(map[string]any)["4"] = 7
		}}, "cache slot 4 holds 21 positions, want 7"},
		"a cache slot too many": {spoiled{topic: "decode", file: "C", only: "varied-depth", json: func(c, _ map[string]any) {
			delete(c["entries_per_cache_step"].(map[string]any), "-2")
		}}, "cache slot -2 holds 21 positions, want none"},

		"generate as it is":     {spoiled{topic: "generate", file: "A", only: "r4.states"}, ""},
		"a generated token":     {spoiled{topic: "generate", file: "A", only: "r4.states", json: list("tokens", 5, 110)}, "token 5 of sequence 0 is 111, want 110"},
		"a generated logit":     {spoiled{topic: "generate", file: "A", only: "r4.states", tensor: "r4.states.logits", by: 1e-3}, "r4.states.logits token 16"},
		"a margin":              {spoiled{topic: "generate", file: "A", only: "r4.states", json: list("margins", 5, 0.5)}, "margin of token 5"},
		"the smallest margin":   {spoiled{topic: "generate", file: "A", only: "r4.states", json: set("margin_min", 0.5)}, "smallest margin"},
		"a state too few":       {spoiled{topic: "generate", file: "A", only: "r4.states", json: set("prompt", make([]int, 40))}, "states of 48 positions"},
		"zero states":           {spoiled{topic: "generate", file: "A", only: "r4.states", json: set("state", nil)}, "r4.states.logits token 0"},
		"not the stop":          {spoiled{topic: "generate", file: "A", only: "stop", json: set("eos_token_id", []int{7})}, "no stop token after 12 tokens"},
		"an earlier stop":       {spoiled{topic: "generate", file: "A", only: "stop", json: set("eos_token_id", []int{111})}, "met a stop token before token 6"},
		"no continuous compute": {spoiled{topic: "generate", file: "A", only: "continuous_compute", json: set("name", "plain")}, "continuous.logits token 1"},
		"cache slots in use":    {spoiled{topic: "generate", file: "A", only: "r4.zero", json: set("cache_steps", []int{-1, 0, 1, 2})}, "cache slots in use are [-1 0 1 2 3 4 5 6 7 8]"},
		"a batch's other token": {spoiled{topic: "generate", file: "A", only: "batch2", json: func(c, _ map[string]any) {
			c["tokens"].([]any)[1].([]any)[2] = 5
		}}, "token 2 of sequence 1 is 111, want 5"},

		"a token's steps":   {spoiled{topic: "exit", file: "C", only: minSteps, json: list("steps", 2, 14)}, "steps of token 2 is 15, want 14"},
		"a value":           {spoiled{topic: "exit", file: "C", only: minSteps, json: func(c, _ map[string]any) { c["values"].([]any)[2].([]any)[1] = 0.0701 }}, "value 1 of token 2 is"},
		"a check too many":  {spoiled{topic: "exit", file: "C", only: minSteps, json: set("check_criterion_every_n_steps", 2)}, "token 10 is 276, want 567"},
		"a later check":     {spoiled{topic: "exit", file: "C", only: minSteps, json: set("min_steps", 7)}, "token 2 is 960, want 451"},
		"another threshold": {spoiled{topic: "exit", file: "C", only: minSteps, json: set("threshold_value", 0.04)}, "threshold of latent-diff is 0.03, want 0.04"},
		"other criterion":   {spoiled{topic: "exit", file: "C", only: minSteps, json: set("criterion", "vibes")}, "is not known; known: latent-diff"},
		"an exit's logit":   {spoiled{topic: "exit", file: "C", only: minSteps, tensor: minSteps + ".logits", by: 1e-3}, minSteps + ".logits row 6"},

		"a round":            {spoiled{topic: "speculative", file: "C", only: "draft3.look1.thr1", json: func(c, _ map[string]any) { c["rounds"].([]any)[3].([]any)[0] = 5 }}, "round 3: token 0"},
		"a draft too deep":   {spoiled{topic: "speculative", file: "C", only: "draft8.look8.thr1", json: set("draft_steps", 12)}, "round"},
		"another lookahead":  {spoiled{topic: "speculative", file: "C", only: "draft3.look1.thr1", json: set("lookahead_for_draft", 2)}, "round"},
		"plain token":        {spoiled{topic: "speculative", file: "C", only: "draft3.look1.thr1", json: list("greedy_tokens", 5, 1)}, "plain greedy token 5"},
		"a compressed cache": {spoiled{topic: "speculative", file: "C", only: "draft3.look1.thr1", json: set("cache_lookup_strategy", "latest-m4-compress-s4")}, "speculation needs a cache"},

		"a wave's width":   {spoiled{topic: "diffusion", file: "C", only: fixed, json: func(c, _ map[string]any) { c["wave_start_and_width"].([]any)[7].([]any)[1] = 8 }}, "outer step 7: wave"},
		"a wave's token":   {spoiled{topic: "diffusion", file: "C", only: fixed, json: list("tokens", 16, 1)}, "token 16 is"},
		"a recurrence":     {spoiled{topic: "diffusion", file: "C", only: fixed, json: list("recurrence_per_position", 9, 1)}, "recurrence of position 9 is"},
		"a stability":      {spoiled{topic: "diffusion", file: "C", only: fixed, json: list("token_stable_per_position", 9, 99)}, "token_stable of position 9 is"},
		"cache clears":     {spoiled{topic: "diffusion", file: "C", only: fixed, json: set("num_cache_clears", 98)}, "num_cache_clears is 97, want 98"},
		"other extras":     {spoiled{topic: "diffusion", file: "C", only: fixed, json: func(_, f map[string]any) { f["extra_tokens_cycle"] = []int{3} }}, "token 8 is 655, want 207"},
		"random states":    {spoiled{topic: "diffusion", file: "C", only: fixed, json: set("init_scale", 1)}, "random numbers of the reference"},
		"unsupported rule": {spoiled{topic: "diffusion", file: "C", only: fixed, json: set("freeze_strategy", "newest")}, `freeze_strategy "newest" is not known`},

		"sampling as it is": {spoiled{topic: "sampling", file: "filters", only: "probs.a.top_p=0.9"}, ""},
		"a probability":     {spoiled{topic: "sampling", file: "filters", only: "probs.a.top_p=0.9", tensor: "probs.a.top_p=0.9", by: 1e-5}, "probs.a.top_p=0.9 row 1 element 0"},
		"a count":           {spoiled{topic: "sampling", file: "filters", only: "probs.a.top_p=0.9", json: list("kept", 0, 24)}, "25 tokens kept, want 24"},
		"a penalty":         {spoiled{topic: "sampling", file: "filters", only: "dry", json: set("dry_base", 1.8), tensor: "penalised.dry", by: 1e-4}, "penalised.dry row 0"},
		"a bad option":      {spoiled{topic: "sampling", file: "filters", only: "dry", json: set("dry_allowed_length", 0)}, "dry allowed length is 0"},
		"a history too few": {spoiled{topic: "sampling", file: "filters", only: "probs.a.top_p=0.9", json: set("history", [][]int{{1}})}, "1 histories"},
	} {
		if slow := c.topic == "speculative" || c.topic == "diffusion" || c.topic == "exit" || c.topic == "decode"; slow && testing.Short() && !strings.HasPrefix(name, "a ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			only := c.only
			if c.file == "A-bf16" || strings.HasPrefix(name, "no continuous") {
				only = "" // the case was renamed
			}
			var out bytes.Buffer
			s, err := run(options{dir: c.write(t), engine: "reference", caseName: only}, &out)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if s.Failed > 0 || s.Passed == 0 {
					t.Errorf("want a pass, got:\n%s", &out)
				}
				return
			}
			if s.Failed == 0 {
				t.Fatalf("nothing failed:\n%s", &out)
			}
			details := ""
			for _, r := range s.Results {
				if r.Verdict == fail {
					details += r.Detail + "\n"
				}
			}
			if !strings.Contains(details, c.want) {
				t.Errorf("details:\n%swant one with %q", details, c.want)
			}
		})
	}
}
