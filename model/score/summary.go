package score

import (
	"encoding/json"
	"math"
)

// Scored is what came of a text, a continuation or a choice.
type Scored struct {
	LogLikelihood float64 `json:"loglikelihood"`
	Greedy        bool    `json:"greedy"` // each token is the likeliest in its place
	Tokens        int     `json:"tokens"`
	Bytes         int     `json:"bytes,omitempty"` // 0: not known
}

// Line is what came of an item at a depth.
type Line struct {
	Line  int             `json:"line"`
	ID    json.RawMessage `json:"id,omitempty"`
	Steps int             `json:"num_steps"`
	*Scored
	Perplexity *float64 `json:"perplexity,omitempty"` // of a text or a continuation

	Choices []Scored `json:"choices,omitempty"`
	Gold    *int     `json:"gold,omitempty"`
	Best    *int     `json:"best,omitempty"`        // the likeliest choice
	Normed  *int     `json:"best_normed,omitempty"` // the likeliest by length
}

// Summary adds up the items of a depth.
type Summary struct {
	Steps         int      `json:"num_steps"`
	Items         int      `json:"items"`
	Texts         int      `json:"texts"`
	Tokens        int      `json:"tokens"` // scored, of texts
	Bytes         int      `json:"bytes,omitempty"`
	LogLikelihood float64  `json:"loglikelihood"` // of texts
	Perplexity    *float64 `json:"perplexity,omitempty"`
	BitsPerByte   *float64 `json:"bits_per_byte,omitempty"`
	Continuations int      `json:"continuations"`
	Greedy        int      `json:"greedy"`    // of these
	Questions     int      `json:"questions"` // items of choices with a gold one
	Accuracy      *float64 `json:"accuracy,omitempty"`
	AccuracyError *float64 `json:"accuracy_stderr,omitempty"`
	Normed        *float64 `json:"accuracy_normed,omitempty"` // the likeliest by length, as lm-eval's acc_norm
	NormedError   *float64 `json:"accuracy_normed_stderr,omitempty"`

	TokensRead    int     `json:"tokens_read"` // of all items
	TokensHeld    int     `json:"tokens_held"` // of these, those that had been read for another
	StepsPerToken float64 `json:"steps_per_token"`
	Seconds       float64 `json:"seconds"`

	right, rightNormed, coreSteps int
}

// Add takes in an item, by the results of its windows, each with the part of the item that it is of.
func (s *Summary) Add(item Item, of []int, results []Result) Line {
	all := make([]Scored, len(item.Parts))
	for i := range all {
		all[i] = Scored{Greedy: true, Bytes: item.Parts[i].Bytes}
	}
	for i, r := range results {
		p := &all[of[i]]
		p.LogLikelihood, p.Greedy, p.Tokens = p.LogLikelihood+r.LogLikelihood, p.Greedy && r.Greedy, p.Tokens+r.Tokens
		s.TokensRead, s.TokensHeld, s.coreSteps = s.TokensRead+r.Read, s.TokensHeld+r.Held, s.coreSteps+r.CoreSteps
	}
	s.Items++
	line := Line{Line: item.Line, ID: item.ID, Steps: s.Steps}
	switch item.Kind {
	case Choice:
		s.choices(&line, item, all)
		return line
	case Continuation:
		s.Continuations++
		if all[0].Greedy {
			s.Greedy++
		}
	default:
		s.Texts++
		s.Tokens, s.Bytes, s.LogLikelihood = s.Tokens+all[0].Tokens, s.Bytes+all[0].Bytes, s.LogLikelihood+all[0].LogLikelihood
	}
	line.Scored, line.Perplexity = &all[0], perplexity(all[0].LogLikelihood, all[0].Tokens)
	return line
}

// choices takes in an item with choices. Of equal ones the first counts.
func (s *Summary) choices(line *Line, item Item, all []Scored) {
	best, normed := 0, 0
	byLength := func(i int) float64 { return all[i].LogLikelihood / float64(max(item.Parts[i].Length, 1)) }
	for i, c := range all {
		if c.LogLikelihood > all[best].LogLikelihood {
			best = i
		}
		if byLength(i) > byLength(normed) {
			normed = i
		}
	}
	line.Choices, line.Best, line.Normed = all, &best, &normed
	if item.Gold < 0 {
		return
	}
	line.Gold = &item.Gold
	s.Questions++
	if best == item.Gold {
		s.right++
	}
	if normed == item.Gold {
		s.rightNormed++
	}
}

// Close computes the means.
func (s *Summary) Close() {
	s.Perplexity = perplexity(s.LogLikelihood, s.Tokens)
	if s.Bytes > 0 {
		s.BitsPerByte = finite(-s.LogLikelihood / float64(s.Bytes) / math.Ln2)
	}
	s.Accuracy, s.AccuracyError = share(s.right, s.Questions)
	s.Normed, s.NormedError = share(s.rightNormed, s.Questions)
	if run := s.TokensRead - s.TokensHeld; run > 0 {
		s.StepsPerToken = float64(s.coreSteps) / float64(run)
	}
}

// perplexity is exp of the mean of minus the log probabilities; nil: of no tokens, or too large a number.
func perplexity(logLikelihood float64, tokens int) *float64 {
	if tokens == 0 {
		return nil
	}
	return finite(math.Exp(-logLikelihood / float64(tokens)))
}

// share is a mean of right ones and its standard error, that of a sample; nil: there are too few.
func share(right, of int) (mean, deviation *float64) {
	if of == 0 {
		return nil, nil
	}
	p := float64(right) / float64(of)
	if of > 1 {
		deviation = finite(math.Sqrt(p * (1 - p) / float64(of-1)))
	}
	return &p, deviation
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}
