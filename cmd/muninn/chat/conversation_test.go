package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/tokenizer"
)

// texts are the chat forms there are, with the demo's tokenizer and the tokens that it lacks.
func texts(t *testing.T) map[string]checkpoint.Text {
	t.Helper()
	data, err := demo.Files.ReadFile("tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	added := file["added_tokens"].([]any)
	for i, name := range append([]string{"<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|quad_start|>", "<|quad_end|>"}, arch.ChatMarks...) {
		added = append(added, map[string]any{"id": 940 + i, "content": name, "special": true, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false})
	}
	file["added_tokens"] = added
	if data, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]checkpoint.Text{"retrofit": {Family: arch.Retrofit, Tokenizer: tok}}
	for _, family := range arch.Families {
		for _, form := range family.Chats {
			all[form.Name] = checkpoint.Text{Family: family, Tokenizer: tok, Chat: form}
		}
	}
	return all
}

func begin(t *testing.T, text checkpoint.Text) *Conversation {
	t.Helper()
	c, err := New(text, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func prompt(t *testing.T, c *Conversation, question string) []int32 {
	t.Helper()
	ids, err := c.Prompt(question)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// spelt is a text in tokens of one byte, as no tokenizer would.
func spelt(t *testing.T, c *Conversation, text string) (ids []int32) {
	t.Helper()
	for _, r := range text {
		id, err := c.text.Tokenizer.Encode(string(r), tokenizer.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id...)
	}
	return ids
}

// A prompt goes on from the one before and from the tokens that were generated, whatever the tokenizer would make of their text;
// but for thoughts that the form leaves out.
func TestKeepsWhatWasGenerated(t *testing.T) {
	for name, text := range texts(t) {
		if text.Chat == nil || text.Chat.Single {
			continue
		}
		for _, thinking := range []arch.Thinking{"", arch.ThinkingOn, arch.ThinkingOff} {
			if thinking != "" && text.Chat.Thinking == "" {
				continue
			}
			t.Run(fmt.Sprint(name, thinking), func(t *testing.T) {
				c := begin(t, text)
				c.System, c.Options.Thinking = "a=1;", thinking
				if name == "huginn" {
					c.System = ""
				}
				for turn := range 4 {
					question, answer := fmt.Sprintf("a=%d;b=a;b?", turn), " k?a?3;"
					before := prompt(t, c, question)
					ids := spelt(t, c, answer)
					if end, _ := text.Tokenizer.ID(arch.ThinkEnd); thinking == arch.ThinkingOn {
						answer, ids = "k?"+arch.ThinkEnd+answer, slices.Concat(spelt(t, c, "k?"), []int32{end}, ids)
					}
					if err := c.Answered(question, answer, ids); err != nil {
						t.Fatal(err)
					}
					after, want := prompt(t, c, "c?"), slices.Concat(before, ids)
					if name == "nanbeige" && thinking != arch.ThinkingOff {
						want = before[:len(before)-1] // up to the thought
					}
					if len(after) <= len(want) || !slices.Equal(after[:len(want)], want) {
						t.Fatalf("turn %d: the prompt %v does not begin with %v", turn, after, want)
					}
					if again := prompt(t, c, "c?"); !slices.Equal(again, after) {
						t.Fatalf("another prompt the second time: %v, %v", again, after)
					}
				}
			})
		}
	}
}

// A thought that was cut short is closed, so that the next answer is not part of it.
func TestCutThought(t *testing.T) {
	c := begin(t, texts(t)["ouro-thinking"])
	c.Options.Thinking = arch.ThinkingOn
	if err := c.Answered("a?", "k?", spelt(t, c, "k?")); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.text.Tokenizer.Decode(prompt(t, c, "b?"), false); !strings.Contains(got, "<think>\nk?\n</think>\n\n<|im_end|>") {
		t.Errorf("%q", got)
	}
}

// Models of one question hear nothing of what was said, and what cannot chat is refused by name.
func TestOneQuestion(t *testing.T) {
	all := texts(t)
	c := begin(t, all["hrm"])
	first := prompt(t, c, "a?")
	if err := c.Answered("a?", "3", nil); err != nil || !c.Single() || !slices.Equal(prompt(t, c, "a?"), first) {
		t.Errorf("single %v: %v, %v", c.Single(), first, err)
	}
	c.System = "x"
	if _, err := c.Prompt("a?"); !errors.Is(err, arch.ErrChat) || !strings.Contains(err.Error(), "one question") {
		t.Error(err)
	}
	if _, err := New(all["retrofit"], false); !errors.Is(err, checkpoint.ErrNoChat) || !strings.Contains(err.Error(), all["retrofit"].Family.Name) {
		t.Error(err)
	}
	raw, err := New(all["retrofit"], true)
	if err != nil || !raw.Single() {
		t.Fatal(err)
	}
	want, err := raw.text.EncodePrompt("a?", false)
	if got := prompt(t, raw, "a?"); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, want %v, %v", got, want, err)
	}
	raw.System = "x"
	if _, err := raw.Prompt("a?"); !errors.Is(err, arch.ErrChat) {
		t.Error(err)
	}
}

// A full context is said in figures; asked to, the conversation drops its oldest turns whole, and never the system message.
func TestFit(t *testing.T) {
	c := begin(t, texts(t)["ouro"])
	c.System = "a=1;"
	for range 5 {
		if err := c.Answered("a?b?c?", "1;2;3;", nil); err != nil {
			t.Fatal(err)
		}
	}
	all := len(prompt(t, c, "d?"))
	if ids, dropped, err := c.Fit("d?", all, 1, false); err != nil || len(ids) != all || dropped != 0 {
		t.Errorf("%d tokens, %d dropped, %v", len(ids), dropped, err)
	}
	if _, _, err := c.Fit("d?", all-1, 1, false); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), fmt.Sprintf("%d tokens with this message, the context %d", all, all-1)) {
		t.Error(err)
	}
	ids, dropped, err := c.Fit("d?", all, 2, true)
	if err != nil || dropped != 1 || len(c.Turns) != 4 || !slices.Equal(ids, prompt(t, c, "d?")) {
		t.Errorf("%d dropped, %d turns, %v", dropped, len(c.Turns), err)
	}
	if text, _ := c.text.Tokenizer.Decode(ids, false); !strings.HasPrefix(text, "<|im_start|>system\na=1;<|im_end|>\n<|im_start|>user\na?") {
		t.Errorf("%q", text)
	}
	if _, _, err := c.Fit("d?", 5, 1, true); !errors.Is(err, ErrFull) || len(c.Turns) != 4 {
		t.Errorf("%d turns left, %v", len(c.Turns), err)
	}
}

// held is a session that holds tokens, and keeps some of them for Sync.
type held struct {
	tokens []int32
	keeps  int
	log    string
}

func (h *held) SetSequence(int, decode.Sequence) {}
func (h *held) Tokens(int) []int32               { return h.tokens }
func (h *held) Sync(int, decode.Request) (int, error) {
	h.log += "sync "
	return h.keeps, nil
}
func (h *held) Rewind(_, pos int) error {
	h.log += fmt.Sprintf("rewind %d ", pos)
	return nil
}

// The cache goes on from what it holds while it was run as the next request is; else the session says what stands.
func TestCache(t *testing.T) {
	s := &held{tokens: []int32{1, 2, 3, 4, 5}, keeps: 2}
	var k Cache
	take := func(steps int, seed uint64, exit *decode.Exit, want string, wantHeld, wantPrompt int) {
		t.Helper()
		s.log = ""
		req := decode.Request{Prompt: []int32{1, 2, 3, 4, 9, 8}, Steps: steps, Strategy: decode.Strategy{Exit: exit}}
		n, err := k.Take(s, &req, decode.Sequence{Seed: seed})
		if err != nil || s.log != want || n != wantHeld || len(req.Prompt) != wantPrompt {
			t.Errorf("%d steps, seed %d: %q, %d held, %d tokens to run, %v", steps, seed, s.log, n, len(req.Prompt), err)
		}
	}
	take(8, 1, &decode.Exit{Threshold: 1}, "sync ", 2, 6)
	k.Ran(true)
	take(8, 1, &decode.Exit{Threshold: 1}, "rewind 4 ", 4, 2)
	k.Ran(false)
	take(8, 1, &decode.Exit{Threshold: 2}, "sync ", 2, 6)
	take(8, 1, &decode.Exit{Threshold: 2}, "sync ", 2, 6) // the one before failed
	k.Ran(true)
	take(4, 1, &decode.Exit{Threshold: 2}, "sync ", 2, 6)
	k.Ran(true)
	take(4, 2, &decode.Exit{Threshold: 2}, "sync ", 2, 6)
}
