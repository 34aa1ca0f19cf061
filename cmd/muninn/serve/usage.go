package serve

import (
	"math"
	"time"
)

// usage is what a request took, as OpenAI counts it, and how deep it went.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
	Details    struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	Completions struct {
		Reasoning int `json:"reasoning_tokens"` // of what the model thought before it answered
	} `json:"completion_tokens_details"`
	CoreSteps int     `json:"x_core_steps"`       // of all tokens, prompts included
	Layers    float64 `json:"x_effective_layers"` // that an answer's token went through, in the mean
}

// timings are in milliseconds, by the names that other servers of local models use.
type timings struct {
	CachedN    int     `json:"cache_n"`
	PromptN    int     `json:"prompt_n"` // that ran
	PromptTime float64 `json:"prompt_ms"`
	N          int     `json:"predicted_n"`
	Time       float64 `json:"predicted_ms"`
	PerSecond  float64 `json:"predicted_per_second"`
	Steps      float64 `json:"x_steps_per_token"`
}

// usage adds up what the answers took. A prompt counts once for all its answers.
func (r *Result) usage() (u usage) {
	steps := 0
	var before *Choice
	for _, c := range r.Choices {
		if before == nil || &before.Prompt[0] != &c.Prompt[0] {
			u.Prompt += len(c.Prompt)
			u.Details.Cached += c.Out.Held
		}
		before = c
		u.Completion += len(c.Tokens)
		u.CoreSteps += c.Out.RowSteps
		for _, t := range c.Tokens {
			steps += t.Steps
			if t.Thinking {
				u.Completions.Reasoning++
			}
		}
	}
	u.Total = u.Prompt + u.Completion
	if u.Completion > 0 {
		c := r.Model.Config
		mean := float64(steps) / float64(u.Completion)
		u.Layers = math.Round(100*(float64(c.NLayersInPrelude+c.NLayersInCoda)+mean*float64(c.StepBlocks()))) / 100
	}
	return u
}

// timings tell where the time went. Waiting for a place in the model's queue is part of the prompt's.
func (r *Result) timings() timings {
	u, first, end := r.usage(), r.first, r.ended
	if first.IsZero() {
		first = end
	}
	t := timings{CachedN: u.Details.Cached, PromptN: u.Prompt - u.Details.Cached, PromptTime: milliseconds(first.Sub(r.began)), N: u.Completion, Time: milliseconds(end.Sub(first))}
	if u.Completion > 1 && t.Time > 0 {
		t.PerSecond = math.Round(1e5*float64(u.Completion-1)/t.Time) / 100
	}
	steps := 0
	for _, c := range r.Choices {
		for _, n := range c.StepsPerToken() {
			steps += n
		}
	}
	t.Steps = math.Round(100*float64(steps)/float64(max(u.Completion, 1))) / 100
	return t
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
