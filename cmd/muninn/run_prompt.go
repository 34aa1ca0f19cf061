package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/tokenizer"
)

// promptOptions say where the prompt comes from and how it is laid out.
type promptOptions struct {
	Text         *string // the argument; nil when there is none
	File         string
	IDs          string
	Chat         bool
	System       string
	Thinking     arch.Thinking
	Conditions   string
	ParseSpecial bool
}

func (o *promptOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.File, "file", "f", "", "read the prompt from this `file`; - is standard input")
	fs.StringVar(&o.IDs, "prompt-ids", "", "the prompt as token `ids`, separated by commas; nothing is added to them")
	fs.BoolVar(&o.Chat, "chat", false, "ask in the model's chat form instead of continuing the text")
	fs.BoolVar(&o.ParseSpecial, "parse-special", false, "read special tokens that are spelt out in the prompt; not with text from strangers")
}

// formFlags declares the flags that are about the chat form.
func (o *promptOptions) formFlags(fs *pflag.FlagSet) {
	with := "; with --chat"
	if fs.Lookup("chat") == nil {
		with = ""
	}
	fs.StringVar(&o.System, "system", "", "system message"+with)
	cli.ChoiceVar(fs, &o.Thinking, "thinking", "", []arch.Thinking{arch.ThinkingOn, arch.ThinkingOff}, "think before the answer, or not"+with+", of models that can do both (Ouro-Thinking, Nanbeige)")
	fs.StringVar(&o.Conditions, "conditions", "", "how HRM-Text is to answer, a `list` of direct (at once), cot (step by step), noisy and synth, separated by commas, as in synth,cot"+with)
}

// form is how the flags have a conversation laid out.
func (o *promptOptions) form() arch.ChatOptions {
	form := arch.ChatOptions{Answer: true, Thinking: o.Thinking}
	if o.Conditions != "" {
		form.Conditions = strings.Split(o.Conditions, ",")
	}
	return form
}

// prompt is the prompt's token ids.
func (o *promptOptions) prompt(s *cli.Streams, ck *checkpoint.Checkpoint) ([]int32, error) {
	sources := 0
	for _, given := range []bool{o.Text != nil, o.File != "", o.IDs != ""} {
		if given {
			sources++
		}
	}
	switch {
	case sources > 1:
		return nil, cli.Usage("give one of PROMPT, --file and --prompt-ids, not several")
	case o.System != "" && !o.Chat:
		return nil, cli.Usage("--system has no meaning without --chat")
	case o.Thinking != "" && !o.Chat:
		return nil, cli.Usage("--thinking has no meaning without --chat")
	case o.Conditions != "" && !o.Chat:
		return nil, cli.Usage("--conditions has no meaning without --chat")
	case o.Chat && (o.IDs != "" || o.ParseSpecial):
		return nil, cli.Usage("--chat lays the prompt out itself: give text, without --prompt-ids and --parse-special")
	}
	if o.IDs != "" {
		return promptIDs(o.IDs, ck.Config.PaddedVocabSize)
	}
	text, err := o.text(s)
	if err != nil {
		return nil, err
	}
	m, err := textOf(ck)
	if err != nil {
		return nil, err
	}
	if _, err := noteLoss(s, m.Tokenizer, text, o.ParseSpecial); err != nil {
		return nil, err
	}
	if o.Chat {
		return o.chat(m, text)
	}
	ids, err := m.EncodePrompt(text, o.ParseSpecial)
	if err == nil && len(ids) == 0 {
		return nil, cli.Usage("the prompt has no tokens, and this model has no begin token to start from")
	}
	return ids, err
}

func promptIDs(list string, vocab int) ([]int32, error) {
	ids, err := parseIDs(list)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		if int(id) >= vocab {
			return nil, cli.Usage("token id %d of the list is %d: this model's vocabulary has ids 0 to %d", i+1, id, vocab-1)
		}
	}
	return ids, nil
}

// text is the prompt as it was written.
func (o *promptOptions) text(s *cli.Streams) (string, error) {
	if o.Text != nil {
		return *o.Text, nil
	}
	from, r := "standard input", s.In
	switch {
	case o.File != "" && o.File != "-":
		f, err := os.Open(o.File)
		if err != nil {
			return "", cli.Usage("cannot read the prompt: %v", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() { // Windows calls reading it an incorrect function
			return "", cli.Usage("cannot read the prompt: %s is a directory", o.File)
		}
		from, r = o.File, f
	case o.File == "" && cli.IsTerminal(s.In):
		return "", cli.Usage("no prompt: give it as an argument, with --file, or on standard input")
	}
	text, err := readText(s, r, from)
	if err != nil {
		return "", err
	}
	if text == "" {
		return "", cli.Usage("no prompt: %s is empty", from)
	}
	return text, nil
}

// readText reads r to its end, within what the tokenizer takes, and leaves out a byte order mark and one final newline.
func readText(s *cli.Streams, r io.Reader, from string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, tokenizer.MaxText+1))
	if err != nil {
		return "", cli.Usage("cannot read %s: %v", from, err)
	}
	if len(data) > tokenizer.MaxText {
		return "", cli.Usage("%s holds more than %s of text, the most that is read", from, cli.Size(tokenizer.MaxText))
	}
	text, marked := strings.CutPrefix(string(data), "\uFEFF")
	if marked {
		s.Note("%s begins with a byte order mark, which is left out", from)
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), nil
}

// chat lays text out as a question.
func (o *promptOptions) chat(t checkpoint.Text, text string) ([]int32, error) {
	messages := []arch.Message{{Role: "user", Content: text}}
	if o.System != "" {
		messages = append([]arch.Message{{Role: "system", Content: o.System}}, messages...)
	}
	ids, err := t.EncodeChat(messages, o.form())
	switch {
	case errors.Is(err, checkpoint.ErrNoChat):
		return nil, cli.Usage("--chat: %v; leave --chat out", err)
	case errors.Is(err, arch.ErrChat):
		return nil, cli.Usage("--chat: %v", err)
	}
	return ids, err
}
