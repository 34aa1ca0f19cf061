package arch

import (
	"encoding/json"
	"math"
	"slices"

	"muninn/model/internal/strict"
)

// Names of a checkpoint's texts.
const (
	FileConfig          = "config.json"
	FileGeneration      = "generation_config.json"
	FileTokenizerConfig = "tokenizer_config.json"
	FileSpecialTokens   = "special_tokens_map.json"
	FileChatTemplate    = "chat_template.jinja"
)

// Generation is generation_config.json: how the authors suggest to sample. Zero switches a filter off.
type Generation struct {
	DoSample    bool
	Temperature float64
	TopK        int
	TopP        float64 // 1 keeps everything
	MinP        float64

	RepetitionPenalty float64 // 1: off
	DRYMultiplier     float64 // above 0, the DRY penalty takes the repetition penalty's place
	DRYBase           float64
	DRYAllowedLength  int

	BOS int   // first token of a prompt; -1: none
	EOS []int // any of them ends the output
	Pad int   // -1: none

	StopTokens []string // tokens that end the output too, by their text: the tokenizer's own end
}

// ParseGeneration reads generation_config.json for a vocabulary of so many rows. Absent fields take the defaults of
// the library that writes such files (greedy, temperature 1, top_k 50, top_p 1). A value that cannot be used does not make
// the model unusable: it is passed over, and a note says so.
func ParseGeneration(data []byte, rows int) (g Generation, notes []string) {
	f := strict.Lenient(FileGeneration, data)
	if n, ok := strict.WholeNumber(f.Raw["top_k"]); ok && n == -1 { // so other programs write "off"
		f.Raw["top_k"] = json.RawMessage("0")
	}
	g = Generation{
		DoSample:          f.Boolean(false, "do_sample"),
		Temperature:       f.Number(1, 0, 1000, "temperature"),
		TopK:              f.Integer(50, 0, math.MaxInt32, "top_k"),
		TopP:              f.Number(1, 0, 1, "top_p"),
		MinP:              f.Number(0, 0, 1, "min_p"),
		RepetitionPenalty: f.Number(1, 1e-3, 1000, "repetition_penalty"),
		DRYMultiplier:     f.Number(0, 0, 1000, "dry_multiplier"),
		DRYBase:           f.Number(1.75, 1, 1000, "dry_base"),
		DRYAllowedLength:  f.Integer(2, 0, math.MaxInt32, "dry_allowed_length"),
		EOS:               f.Integers("eos_token_id", 0, rows-1),
		BOS:               f.TokenID("bos_token_id", rows),
		Pad:               f.TokenID("pad_token_id", rows),
	}
	return g, f.Notes
}

// WithStops adds what the other files name as the end of an output: the ids of config.json and the tokenizer's token. A
// model file without generation_config.json has the ids of config.json in the place of the shipped ones.
func (g Generation) WithStops(texts map[string][]byte, rows int) Generation {
	own := strict.Lenient(FileConfig, texts[FileConfig]).Integers("eos_token_id", 0, rows-1)
	if texts[FileGeneration] == nil && own != nil {
		g.EOS = nil
	}
	for _, id := range own {
		if !slices.Contains(g.EOS, id) {
			g.EOS = append(g.EOS, id)
		}
	}
	for _, name := range []string{FileTokenizerConfig, FileSpecialTokens} {
		f := strict.Lenient(name, texts[name])
		token := f.Text("eos_token")
		if token == "" {
			token = f.Object("eos_token").Text("content")
		}
		if token != "" && !slices.Contains(g.StopTokens, token) {
			g.StopTokens = append(g.StopTokens, token)
		}
	}
	return g
}
