package model

import "math"

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

// ParseGenerationConfig reads generation_config.json. Absent fields take the defaults of the library that writes such
// files (greedy, temperature 1, top_k 50, top_p 1). Errors are of the ErrModel family and name the field.
func ParseGenerationConfig(data []byte) (GenerationConfig, error) {
	f, err := parseFields("generation_config.json", data)
	if err != nil {
		return GenerationConfig{}, err
	}
	g := GenerationConfig{
		DoSample:          f.boolean(false, "do_sample"),
		Temperature:       f.number(1, 0, 1000, "temperature"),
		TopK:              f.integer(50, 0, math.MaxInt32, "top_k"),
		TopP:              f.number(1, 0, 1, "top_p"),
		MinP:              f.number(0, 0, 1, "min_p"),
		RepetitionPenalty: f.number(1, 1e-3, 1000, "repetition_penalty"),
		DRYMultiplier:     f.number(0, 0, 1000, "dry_multiplier"),
		DRYBase:           f.number(1.75, 1, 1000, "dry_base"),
		DRYAllowedLength:  f.integer(2, 0, math.MaxInt32, "dry_allowed_length"),
		EOS:               f.integers("eos_token_id", 0, maxVocab-1),
		BOS:               f.integer(-1, 0, maxVocab-1, "bos_token_id"),
		Pad:               f.integer(-1, -1, maxVocab-1, "pad_token_id"),
	}
	if f.err != nil {
		return GenerationConfig{}, f.err
	}
	return g, nil
}

// checkVocab refuses special tokens that the embedding has no row for.
func (g GenerationConfig) checkVocab(rows int) error {
	ids := append([]int{g.BOS, g.Pad}, g.EOS...)
	for i, id := range ids {
		if id >= rows {
			name := "eos_token_id"
			if i < 2 {
				name = []string{"bos_token_id", "pad_token_id"}[i]
			}
			return unusable("generation_config.json: %s %d lies outside the vocabulary of %d", name, id, rows)
		}
	}
	return nil
}
