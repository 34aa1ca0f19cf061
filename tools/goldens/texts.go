package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/tokenizer"
)

// textFile is what the cases of a file of topics tokenizers, chat and text share.
type textFile struct {
	Tokenizer  string            // below the folder tokenizers, beside the topic
	Templates  map[string]string // of chats
	Conditions map[string]string `json:"condition_tokens"` // of HRM-Text
	path       string
}

// parser reads the file's tokenizer.
func (f textFile) parser() *tokenizer.Tokenizer {
	if !filepath.IsLocal(f.Tokenizer) {
		need(fmt.Errorf("tokenizer is %q, want a file in tokenizers/", f.Tokenizer))
	}
	for dir := filepath.Dir(f.path); ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "tokenizers", f.Tokenizer))
		if err == nil {
			return must(tokenizer.Parse(data))
		}
		if dir == filepath.Dir(dir) {
			need(err)
		}
	}
}

// ofTexts is embedded in cases whose file has a textFile.
type ofTexts struct{ file textFile }

func (o *ofTexts) ofFile(g goldenFile) {
	need(json.Unmarshal(g.raw, &o.file))
	o.file.path = g.path
}

// same compares texts.
func (c *check) same(what, got, want string) {
	c.compared++
	if got != want {
		c.errorf("%s is %q, want %q", what, got, want)
	}
}

// tokenizerCase is all texts and lists of ids of a tokenizer.
type tokenizerCase struct {
	Encode []struct {
		Text    string
		IDs     []int32
		Without *[]int32 `json:"ids_without_template"` // nil: IDs
		decodedIDs
	}
	Decode []struct {
		IDs []int32
		decodedIDs
	}
	ofTexts
}

// decodedIDs is the text of ids; nil: the same, or not said.
type decodedIDs struct {
	Decoded     *string
	SkipSpecial *string `json:"decoded_skip_special"`
}

func (d decodedIDs) compare(tok *tokenizer.Tokenizer, ids []int32, c *check) {
	for skip, want := range map[bool]*string{false: d.Decoded, true: d.SkipSpecial} {
		if want != nil {
			c.same(fmt.Sprintf("the text of %v", ids), must(tok.Decode(ids, skip)), *want)
		}
	}
}

func (*tokenizerCase) title() string { return "encode and decode" }

func (t *tokenizerCase) run(_ *loaded, _ tensors, c *check) {
	tok := t.file.parser()
	for _, e := range t.Encode {
		if e.Without == nil {
			e.Without = &e.IDs
		}
		for special, want := range map[bool][]int32{true: e.IDs, false: *e.Without} {
			ids := must(tok.Encode(e.Text, tokenizer.EncodeOptions{ParseSpecial: true, AddSpecial: special}))
			compareInts(fmt.Sprintf("id of %q", e.Text), ids, want, c)
		}
		e.compare(tok, e.IDs, c)
	}
	for _, d := range t.Decode {
		d.compare(tok, d.IDs, c)
	}
}

// chatCase is a conversation, or a question under conditions, as it is laid out, and its answer in topic text.
type chatCase struct {
	Template  string
	Messages  []arch.Message
	Condition string
	Question  string
	Answer    *bool `json:"add_generation_prompt"`
	Options   struct {
		Thinking *bool `json:"enable_thinking"`
	}
	Rendered string
	IDs      []int32

	Loops, Prefix  int
	Prompt, Tokens []int32
	Text           string
	KeepSpecial    string `json:"text_keep_special"`
	ofTexts
}

func (t *chatCase) title() string {
	return fmt.Sprintf("%s%s %.60q", t.Template, t.Condition, t.Rendered[max(0, len(t.Rendered)-60):])
}

func (t *chatCase) run(m *loaded, _ tensors, c *check) {
	if m != nil {
		t.layOut(m.text, t.Prompt, c)
		t.answer(m, c)
		return
	}
	x := checkpoint.Text{Family: arch.Ouro, Tokenizer: t.file.parser()}
	if t.file.Conditions != nil {
		x.Family = arch.HRMText
	}
	form, notes := x.Family.ChatForm(map[string][]byte{arch.FileChatTemplate: []byte(t.file.Templates[t.Template])})
	if notes != nil {
		c.fatalf("%s", notes[0])
	}
	x.Chat = form
	t.layOut(x, t.IDs, c)
}

// layOut compares a prompt. The library reads special tokens that are spelt in contents.
func (t *chatCase) layOut(x checkpoint.Text, want []int32, c *check) {
	if x.Chat == nil {
		c.fatalf("the model has no chat form")
	}
	o := arch.ChatOptions{Answer: t.Answer == nil || *t.Answer, ParseSpecial: true}
	if t.Condition != "" {
		o.Conditions = strings.Split(t.Condition, ",")
	}
	if think := t.Options.Thinking; think != nil {
		o.Thinking = map[bool]arch.Thinking{true: arch.ThinkingOn, false: arch.ThinkingOff}[*think]
	}
	messages := t.Messages
	if messages == nil {
		messages = []arch.Message{{Role: "user", Content: t.Question}}
	}
	var text strings.Builder
	for _, p := range must(x.Chat.Lay(messages, o)) {
		text.WriteString(p.Text)
	}
	c.same("the prompt", text.String(), t.Rendered)
	compareInts("id of the prompt", must(x.EncodeChat(messages, o)), want, c)
}

// answer compares the greedy answer and its text, whole and as it comes.
func (t *chatCase) answer(m *loaded, c *check) {
	steps := t.Loops
	if steps == 0 {
		steps = m.config.MeanRecurrence
	}
	s := must(newSession(m, sessionOptions{Sequences: 1, Context: len(t.Prompt) + len(t.Tokens), MaxSteps: steps}, ""))
	defer s.Close()
	var text strings.Builder
	req := decode.Request{Prompt: t.Prompt, Prefix: t.Prefix, Steps: steps, MaxTokens: len(t.Tokens), Pick: decode.Filters{Greedy: true}}
	out := must(decode.Generate(s, m.text.Tokenizer, 0, req, func(token decode.Token) error {
		text.WriteString(token.Text)
		return nil
	}))
	compareInts("token", out.Tokens, t.Tokens, c)
	c.same("the answer", text.String(), t.KeepSpecial)
	c.same("the answer without special tokens", must(m.text.Tokenizer.Decode(t.Tokens, true)), t.Text)
}
