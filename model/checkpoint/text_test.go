package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/demo"
)

// A head may be tied or not, and stand in the file or not: four ways, of which untied without a head alone is refused.
func TestHeads(t *testing.T) {
	for _, c := range []struct{ tied, held, ok bool }{{true, false, true}, {true, true, true}, {false, true, true}, {false, false, false}} {
		dir := t.TempDir()
		if err := soundHead(dir, c.tied, c.held); err != nil {
			t.Fatal(err)
		}
		ck, err := OpenFolder(dir)
		if (err == nil) != c.ok {
			t.Errorf("tied %t, head in the file %t: %v", c.tied, c.held, err)
		}
		if err == nil {
			ck.Close()
		}
	}
}

// Whatever ends a text by one of the files ends it.
func TestStopsOfAllFiles(t *testing.T) {
	dir := t.TempDir()
	if err := soundIn(dir); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"config.json":             {`{`, `{"eos_token_id":[7,2],"bos_token_id":9,`},
		"generation_config.json":  {`"eos_token_id": [2, 5]`, `"eos_token_id": [2, 5.0]`},
		"tokenizer_config.json":   {``, `{"eos_token":{"content":"<end>"},"bos_token":null}`},
		"special_tokens_map.json": {``, `{"eos_token":"<other end>"}`},
	} {
		old, _ := os.ReadFile(filepath.Join(dir, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(old), change[0], change[1], 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := openT(t, dir).Generation
	if !slices.Equal(g.EOS, []int{2, 5, 7}) || g.BOS != 1 || !slices.Equal(g.StopTokens, []string{"<end>", "<other end>"}) {
		t.Errorf("stops %v and %q, begin %d", g.EOS, g.StopTokens, g.BOS)
	}
	if err := os.Remove(filepath.Join(dir, "generation_config.json")); err != nil {
		t.Fatal(err)
	}
	if g := openT(t, dir).Generation; !slices.Equal(g.EOS, []int{7, 2}) {
		t.Errorf("without generation_config.json: stops %v", g.EOS)
	}
}

// The tokenizer's own end, the ids of the files and the names of the chat form all stop an answer.
func TestStopIDs(t *testing.T) {
	c, err := OpenFS(demo.Files)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	named, ok := text.Tokenizer.ID("=")
	if !ok {
		t.Fatal("the demo has no token =")
	}
	text.Generation.EOS, text.Generation.StopTokens = []int{7}, []string{"=", "<|end_text|>", "no token of it"}
	want := []int32{7}
	for _, name := range []string{"<|begin_text|>", "<|end_text|>", "<|end_turn|>"} {
		if id, ok := text.Tokenizer.ID(name); ok {
			want = append(want, id)
		}
	}
	if got := text.StopIDs(); len(want) < 3 || !slices.Equal(got, append(want, named)) {
		t.Errorf("%v, want %v and %d", got, want, named)
	}
}

// What lies in the place of a text that was not fetched is named.
func TestOtherFilesInPlaceOfTexts(t *testing.T) {
	for text, want := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 34335\n": "a git-lfs pointer in the place of the file; fetch it with git lfs pull",
		"\n<!DOCTYPE html><html>Sign in</html>":                                   "a web page saved in the place of the file",
	} {
		for _, name := range []string{fileTokenizer, arch.FileGeneration, arch.FileTokenizerConfig, arch.FileConfig} {
			dir := soundT(t)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := OpenFolder(dir)
			if err == nil {
				_, err = c.Text()
				c.Close()
			}
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), name+": "+want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}
