package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/tokenizer"
)

type tokenizeOptions struct {
	hubOptions
	NoSpecial    bool
	ParseSpecial bool
	JSON         bool
}

func (o *tokenizeOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.NoSpecial, "no-special", false, "do not put the begin token in front")
	fs.BoolVar(&o.ParseSpecial, "parse-special", false, "read special tokens that are spelt out in the text")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object with ids, tokens and lost bytes")
	o.hubOptions.addFlags(fs)
}

func tokenizeCommand() *cli.Command {
	o := &tokenizeOptions{}
	return &cli.Command{
		Name: "tokenize", Args: "MODEL [TEXT]", Min: 1, Max: 2,
		Summary: "turn text into token ids",
		Detail: `Prints the ids that "muninn run" would give the model, separated by spaces. Without TEXT, standard input is read to
its end; one final newline of it is left out. Text that no token carries is dropped, as the tokenizer's file asks; how
much is said on standard error.`,
		Examples: []string{`muninn tokenize demo "k=d;d=3;k?"`, `muninn tokenize demo --json < prompt.txt`},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return tokenize(ctx, s, o, args[0], args[1:])
		},
	}
}

// tokenized is what tokenize prints with --json.
type tokenized struct {
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"` // as the tokenizer's file spells them
	Lost   int      `json:"lost_bytes"`
}

func tokenize(ctx context.Context, s *cli.Streams, o *tokenizeOptions, model string, words []string) error {
	m, err := textModel(ctx, s, o.hubOptions, model)
	if err != nil {
		return err
	}
	text, err := wordsOrInput(s, words)
	if err != nil {
		return err
	}
	var ids []int32
	if o.NoSpecial {
		ids, err = m.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: o.ParseSpecial})
	} else {
		ids, err = m.EncodePrompt(text, o.ParseSpecial)
	}
	if err != nil {
		return err
	}
	lost, err := noteLoss(s, m.Tokenizer, text, o.ParseSpecial)
	if err != nil {
		return err
	}
	if o.JSON {
		tokens := cli.Each(ids, func(id int32) string {
			token, _ := m.Tokenizer.Token(id)
			return token
		})
		return cli.JSONLines(s.Out).Encode(tokenized{append([]int32{}, ids...), tokens, lost})
	}
	_, err = fmt.Fprintln(s.Out, joinIDs(ids))
	return err
}

// noteLoss says on err what of a text does not reach the model, and returns the number of dropped bytes.
func noteLoss(s *cli.Streams, t *tokenizer.Tokenizer, text string, parseSpecial bool) (int, error) {
	if _, bad := tokenizer.CleanUTF8(text); bad {
		s.Note("the text is not valid UTF-8: each bad byte counts as U+FFFD")
	}
	lost, err := t.Lost(text, tokenizer.EncodeOptions{ParseSpecial: parseSpecial})
	if lost > 0 {
		s.Note("%d bytes of the text are dropped: this model's tokenizer has no token for them", lost)
	}
	return lost, err
}

type detokenizeOptions struct {
	hubOptions
	NoSpecial bool
	JSON      bool
}

func (o *detokenizeOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.NoSpecial, "no-special", false, "leave special tokens out of the text")
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object with the text")
	o.hubOptions.addFlags(fs)
}

func detokenizeCommand() *cli.Command {
	o := &detokenizeOptions{}
	return &cli.Command{
		Name: "detokenize", Args: "MODEL [ID...]", Min: 1, Max: -1,
		Summary:  "turn token ids into text",
		Detail:   `Ids are separated by spaces or commas. Without any, they are read from standard input. Nothing is added to the text.`,
		Examples: []string{"muninn detokenize demo 926 107 63", `muninn tokenize demo "a=3;a?" | muninn detokenize demo --no-special`},
		Flags:    o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return detokenize(ctx, s, o, args[0], args[1:])
		},
	}
}

func detokenize(ctx context.Context, s *cli.Streams, o *detokenizeOptions, model string, words []string) error {
	m, err := textModel(ctx, s, o.hubOptions, model)
	if err != nil {
		return err
	}
	list, err := wordsOrInput(s, words)
	if err != nil {
		return err
	}
	ids, err := parseIDs(list)
	if err != nil {
		return err
	}
	text, err := m.Tokenizer.Decode(ids, o.NoSpecial)
	if err != nil {
		return err
	}
	if o.JSON {
		return cli.JSONLines(s.Out).Encode(textLine{Text: text})
	}
	_, err = io.WriteString(s.Out, text)
	return err
}

// wordsOrInput is arguments in one text, or standard input where there are none.
func wordsOrInput(s *cli.Streams, words []string) (string, error) {
	if len(words) > 0 {
		return strings.Join(words, " "), nil
	}
	return readText(s, s.In, "standard input")
}

// textModel is what the texts of a model go by, without its weights.
func textModel(ctx context.Context, s *cli.Streams, o hubOptions, path string) (t checkpoint.Text, err error) {
	ck, err := openModel(ctx, s, o, path)
	if err != nil {
		return t, err
	}
	defer ck.Close()
	return textOf(ck)
}

// textOf is the same of an open checkpoint, which must have a tokenizer.
func textOf(ck *checkpoint.Checkpoint) (checkpoint.Text, error) {
	t, err := ck.Text()
	if err == nil && t.Tokenizer == nil {
		_, err = ck.TokenizerJSON() // says what is missing
	}
	return t, err
}

func joinIDs(ids []int32) string {
	return strings.Join(cli.Each(ids, func(id int32) string { return strconv.Itoa(int(id)) }), " ")
}

// parseIDs reads token ids separated by commas and white space.
func parseIDs(list string) ([]int32, error) {
	words := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
	ids := make([]int32, len(words))
	for i, w := range words {
		n, err := strconv.ParseInt(w, 10, 32)
		if err != nil || n < 0 {
			return nil, cli.Usage("token id %d of the list is %.40q, want a number from 0 on", i+1, w)
		}
		ids[i] = int32(n)
	}
	if len(ids) == 0 {
		return nil, cli.Usage("no token ids given")
	}
	return ids, nil
}
