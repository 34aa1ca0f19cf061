package decode

import "muninn/model/arch"

// Effort is a preset of depth: num_steps as a share of the depth that the model was trained around, and what ends the core
// steps of a token before.
type Effort struct {
	Name      string
	num, den  int       // num_steps = mean_recurrence * num / den
	Criterion Criterion // what ends the core steps of a token before; empty: nothing
	Threshold string    // of the criterion; empty: its own
}

// Efforts are presets, from shallow to deep: 8, 16, 32 and 64 core steps at most of a Huginn, whose mean_recurrence is 32.
// latent-diff is the criterion that costs least, as it needs no logits. High has a third of its threshold, so that only what stands nearly still is
// done; max is for what the model was not trained for, and so does not leave at all.
var Efforts = []Effort{
	{"low", 1, 4, LatentDiff, ""},
	{"medium", 1, 2, LatentDiff, ""},
	{"high", 1, 1, LatentDiff, "0.01"},
	{"max", 2, 1, "", ""},
}

// EffortOf finds a preset; nil for the empty name.
func EffortOf(name string) *Effort {
	for i, e := range Efforts {
		if e.Name == name {
			return &Efforts[i]
		}
	}
	return nil
}

// Steps are the preset's num_steps for a model, at least 1.
func (e Effort) Steps(c arch.Config) int { return max(c.MeanRecurrence*e.num/e.den, 1) }
