package serve

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"muninn/model/decode"
)

// job is one answer to be made.
type job struct {
	choice  *Choice
	req     decode.Request
	setting decode.Sequence
	shown   int           // tokens that the client wants of those that are made; -1: all
	read    chan struct{} // closed when its prompt has been read,
	leads   bool          // by this one
	trace   *recording    // what is recorded of it; nil: nothing
}

// plan turns an Ask into the requests that make its answers. Nothing has run before all of them have been found sound.
func (a *Ask) plan(m *Model, alias *int, owner string) ([]job, error) {
	req := decode.Request{StopIDs: m.StopIDs(), StopStrings: a.Stop, Score: a.Score, Owner: owner}
	if a.Logprobs {
		req.Top = a.Top
	}
	var setting decode.Sequence
	if err := a.Depth.apply(m, alias, &req, &setting); err != nil {
		return nil, err
	}
	if err := a.pick(m, &req, &setting); err != nil {
		return nil, err
	}
	var jobs []job
	likely := 0 // tokens to be told of
	for _, p := range a.Prompts {
		ids, err := p.encode(m)
		if err != nil {
			return nil, err
		}
		if len(ids) > m.Context {
			e := Refuse("messages", "the prompt has %d tokens, the context %d positions; shorten the prompt", len(ids), m.Context)
			if e.Code = "context_length_exceeded"; p.Messages == nil {
				e.Param = "prompt"
			}
			return nil, e
		}
		if a.Score {
			likely += max(a.N, 1) * len(ids) * (a.Top + 1)
		}
		if likely > maxLikely {
			return nil, Refuse("logprobs", "the likelihoods of all prompts are more than %d tokens; send fewer prompts at once, or lower logprobs", maxLikely)
		}
		read := make(chan struct{})
		for i := range max(a.N, 1) {
			j := job{req: req, setting: setting, shown: -1, read: read, leads: i == 0, choice: &Choice{Index: len(jobs), Prompt: ids, prompt: p, apart: p.Messages != nil}}
			j.req.Prompt = ids
			j.req.Pick.Seed += uint64(i)
			if p.Messages != nil && m.Config.PrefixLM {
				j.req.Prefix = len(ids)
			}
			switch {
			case a.Limit > 0:
				j.req.MaxTokens = a.Limit
			case a.Limit == 0 && !a.Score: // what is made is not shown
				j.req.MaxTokens, j.shown = 1, 0
			}
			jobs = append(jobs, j)
		}
	}
	if a.trace != nil {
		return jobs, a.trace.fit(m, &jobs[0])
	}
	return jobs, nil
}

// encode is the ids of a prompt.
func (p Prompt) encode(m *Model) ([]int32, error) {
	switch {
	case p.Messages != nil:
		o := p.Chat
		o.Answer, o.ParseSpecial = true, m.ParseSpecial
		if p.Wish && m.Chat != nil && m.Chat.Thinking == "" {
			o.Thinking = ""
		}
		return m.EncodeChat(p.Messages, o)
	case p.IDs != nil:
		if i := slices.IndexFunc(p.IDs, func(id int32) bool { return id < 0 || int(id) >= m.Config.PaddedVocabSize }); i >= 0 {
			return nil, Refuse("prompt", "token %d of the prompt is %d: this model has ids 0 to %d", i, p.IDs[i], m.Config.PaddedVocabSize-1)
		}
		if len(p.IDs) == 0 {
			return nil, Refuse("prompt", "the prompt has no tokens")
		}
		return p.IDs, nil
	}
	ids, err := encodeText(m, p.Text, p.Bare, m.ParseSpecial)
	if err == nil && len(ids) == 0 {
		err = Refuse("prompt", "the prompt has no tokens, and this model has no begin token to start from")
	}
	return ids, err
}

// pick sets how tokens are picked, and what they start from. Draws differ from request to request unless a seed is given, or the server has one: initial states
// do not, so that prompts are shared.
func (a *Ask) pick(m *Model, req *decode.Request, setting *decode.Sequence) error {
	p := m.Pick
	setting.Seed = p.Seed
	switch {
	case a.Seed != nil:
		setting.Seed, p.Seed = uint64(*a.Seed), uint64(*a.Seed)
	case !m.Fixed:
		p.Seed = rand.Uint64()
	}
	set := func(to *float64, v *float64, draws bool) {
		if v != nil {
			*to, p.Greedy = *v, p.Greedy && !draws
		}
	}
	set(&p.Temperature, a.Temperature, true)
	set(&p.TopP, a.TopP, a.Temperature == nil && a.TopP != nil && *a.TopP != 1)
	set(&p.MinP, a.MinP, a.Temperature == nil && a.MinP != nil && *a.MinP != 0)
	set(&p.RepetitionPenalty, a.Repetition, false)
	set(&p.FrequencyPenalty, a.Frequency, false)
	set(&p.PresencePenalty, a.Presence, false)
	if a.TopP != nil && *a.TopP == 0 {
		p.TopP = math.SmallestNonzeroFloat32 // the likeliest alone: 0 would be off
	}
	if a.TopK != nil {
		p.TopK = max(*a.TopK, 0)
	}
	if a.Temperature != nil && *a.Temperature == 0 {
		p.Greedy = true
	}
	for id := range a.Bias {
		if int(id) >= m.Config.PaddedVocabSize {
			return Refuse("logit_bias", "logit_bias has the token %d: this model has ids 0 to %d", id, m.Config.PaddedVocabSize-1)
		}
	}
	if a.Bias != nil {
		p.Bias = map[int32]float32{}
		for id, v := range maps.All(a.Bias) {
			p.Bias[id] = float32(v)
		}
	}
	if p.RepetitionPenalty == 0 || p.RepetitionPenalty == 1 {
		p.DRYMultiplier = 0 // as the reference has it
	}
	req.Pick = p
	return p.Validate()
}
