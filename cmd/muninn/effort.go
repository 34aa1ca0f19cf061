package main

import (
	"muninn/model/arch"
	"muninn/model/decode"
)

// effort is a preset of depth: num_steps as a share of the depth that the model was trained around, and what ends the core
// steps of a token before.
type effort struct {
	name      string
	num, den  int // num_steps = mean_recurrence * num / den
	criterion decode.Criterion
	threshold string // empty: the criterion's own
}

// efforts: of a Huginn, whose mean_recurrence is 32, they are 8, 16, 32 and 64 core steps at most. latent-diff is the criterion
// that costs least, as it needs no logits. High has a third of its threshold, so that only what stands nearly still is
// done; max is for what the model was not trained for, and so does not leave at all.
var efforts = []effort{
	{"low", 1, 4, decode.LatentDiff, ""},
	{"medium", 1, 2, decode.LatentDiff, ""},
	{"high", 1, 1, decode.LatentDiff, "0.01"},
	{"max", 2, 1, "", ""},
}

func effortNames() (names []string) {
	for _, e := range efforts {
		names = append(names, e.name)
	}
	return names
}

// effortOf finds a preset; nil for the empty name.
func effortOf(name string) *effort {
	for i, e := range efforts {
		if e.name == name {
			return &efforts[i]
		}
	}
	return nil
}

// steps are the preset's num_steps for a model, at least 1.
func (e effort) steps(c arch.Config) int { return max(c.MeanRecurrence*e.num/e.den, 1) }

const effortText = "preset of depth: low, medium and high are a quarter, half and all of the model's mean_recurrence with --criterion latent-diff " +
	"(high: --exit-threshold 0.01), max is twice that without an exit; other flags win, and --decode speculative and wave take num_steps alone"
