package model

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// GenerationConfig is generation_config.json: how the authors suggest to sample. Zero switches a filter off.
type GenerationConfig struct {
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
}

// DefaultGeneration is what holds without generation_config.json: the values shipped with Huginn. Special tokens that
// the vocabulary does not reach are left out.
func DefaultGeneration(vocab int) GenerationConfig {
	g := GenerationConfig{DoSample: true, Temperature: 0.7, TopK: 50, TopP: 1, RepetitionPenalty: 1,
		DRYBase: 1.75, DRYAllowedLength: 2, BOS: -1, Pad: -1}
	if vocab > 65509 {
		g.BOS, g.EOS, g.Pad = 65504, []int{65505, 65508}, 65509
	}
	return g
}

// ParseGenerationConfig reads generation_config.json for a vocabulary of so many rows. Absent fields take the defaults of
// the library that writes such files (greedy, temperature 1, top_k 50, top_p 1). A value that cannot be used does not make
// the model unusable: it is passed over, and a note says so.
func ParseGenerationConfig(data []byte, rows int) (g GenerationConfig, notes []string) {
	f, err := parseFields(fileGeneration, data)
	if err != nil {
		f = &fields{read: map[string]bool{}, notes: []string{strings.TrimPrefix(err.Error(), "model: ") + "; it is passed over"}}
	}
	f.lenient = true
	if n, ok := wholeNumber(f.raw["top_k"]); ok && n == -1 { // so other programs write "off"
		f.raw["top_k"] = json.RawMessage("0")
	}
	g = GenerationConfig{
		DoSample:          f.boolean(false, "do_sample"),
		Temperature:       f.number(1, 0, 1000, "temperature"),
		TopK:              f.integer(50, 0, math.MaxInt32, "top_k"),
		TopP:              f.number(1, 0, 1, "top_p"),
		MinP:              f.number(0, 0, 1, "min_p"),
		RepetitionPenalty: f.number(1, 1e-3, 1000, "repetition_penalty"),
		DRYMultiplier:     f.number(0, 0, 1000, "dry_multiplier"),
		DRYBase:           f.number(1.75, 1, 1000, "dry_base"),
		DRYAllowedLength:  f.integer(2, 0, math.MaxInt32, "dry_allowed_length"),
		EOS:               f.integers("eos_token_id", 0, rows-1),
		BOS:               f.tokenID("bos_token_id", rows),
		Pad:               f.tokenID("pad_token_id", rows),
	}
	return g, f.notes
}

// tokenID reads one id below rows, the first one of a list; -1 without any.
func (f *fields) tokenID(name string, rows int) int {
	if n, ok := wholeNumber(f.raw[name]); ok && n == -1 { // "none", as old programs write it
		return -1
	}
	ids := f.integers(name, 0, rows-1)
	if len(ids) > 1 {
		f.notes = append(f.notes, fmt.Sprintf("%s: %s is a list; its first token, %d, is taken", f.file, name, ids[0]))
	}
	if len(ids) == 0 {
		return -1
	}
	return ids[0]
}
