package decode

import (
	"math"

	"muninn/shaders/plain"
)

// Speculative decodes in iterations: a few tokens drafted one by one with few core steps, then verified all at once with
// Request.Steps. Since what a token starts from, and what draws it, depend on its position alone, the text at Threshold 1 is
// that of plain decoding, sampled or not.
type Speculative struct {
	DraftSteps int     // core steps of a draft
	Lookahead  int     // drafts an iteration
	Threshold  float64 // from 1 on: a draft must be the token chosen; below: have this share of the largest probability
}

// DefaultSpeculative drafts four tokens of four steps each.
var DefaultSpeculative = Speculative{DraftSteps: 4, Lookahead: 4, Threshold: 1}

// Within is with drafts of fewer core steps than tokens have.
func (d Speculative) Within(steps int) Speculative {
	if d.DraftSteps >= steps {
		d.DraftSteps = max(steps/2, 1)
	}
	return d
}

// Validate says which option is out of range.
func (d Speculative) Validate() error {
	switch {
	case d.DraftSteps < 0:
		return strategyError("draft_steps is %d, want 0 or more", d.DraftSteps)
	case d.Lookahead < 1:
		return strategyError("lookahead_for_draft is %d, want 1 or more", d.Lookahead)
	case !(d.Threshold > 0):
		return strategyError("verification_threshold is %g, want a share of the largest probability, or 1: the token itself", d.Threshold)
	}
	return nil
}

// fits tells whether rows of one pass compute what they would one by one: verifying in one pass is plain decoding only then.
// Where core steps share slots, a row one by one sees the last steps of the tokens before it, but its own step of tokens in
// the same pass. always-last looks deeper than a row's own step where a token has fewer, as only tokens from before may.
func (d Speculative) fits(l Lookup, steps, base int) error {
	if !l.keeps(steps) {
		return strategyError("speculation needs a cache that keeps every core step, or its text would not be that of plain decoding: lookup strategy %v shares slots within %d steps; use %s", l, steps, DefaultLookup)
	}
	if l.Rule == plain.RuleAlwaysLast && base > 0 {
		return strategyError("speculation after tokens of another depth is not plain decoding under lookup strategy %v; use %s", l, DefaultLookup)
	}
	return nil
}

func (s *decoding) speculative(d Speculative) error {
	if err := d.fits(s.e.Lookup(), s.Steps, s.base); err != nil {
		return err
	}
	next, err := s.prompt()
	if err != nil {
		return err
	}
	if done, err := s.put(next); done || err != nil {
		return err
	}
	for {
		chosen, err := s.draftAndVerify(d, next)
		if err != nil {
			return err
		}
		var tokens []int32
		var done bool
		for _, c := range chosen {
			if done, err = s.put(c); err != nil {
				return err
			}
			tokens = append(tokens, c.Token)
		}
		s.out.Iterations = append(s.out.Iterations, tokens)
		if done {
			return nil
		}
		next = chosen[len(chosen)-1]
	}
}

// draftAndVerify drafts from the token chosen last, which has not run yet, and gives the tokens that stand.
func (s *decoding) draftAndVerify(d Speculative, last Choice) ([]Choice, error) {
	first := last.Pos + 1
	n := min(d.Lookahead, s.e.Context()-first, s.e.Rows())
	var rows []TaskRow
	var drafts []Choice
	var given []int32
	for i := range n {
		rows = append(rows, TaskRow{Pos: first + i, Token: last.Token, Begin: true})
		a := &Task{Rows: rows[i:], Keep: i > 0, Steps: d.DraftSteps, Outputs: 1}
		if err := s.do(a); err != nil {
			return nil, err
		}
		last = a.Choices[0]
		drafts, given = append(drafts, last), append(given, last.Token)
	}
	verify := &Task{Rows: rows, Steps: s.Steps, Outputs: n, Given: given, Top: s.Top}
	if d.DraftSteps <= s.Steps { // go on from where the drafts are
		verify.Steps -= d.DraftSteps
		for i := range rows {
			rows[i].Begin, rows[i].From, rows[i].Step = false, FromOwn, d.DraftSteps
		}
	}
	if err := s.do(verify); err != nil {
		return nil, err
	}
	s.out.Drafted += n
	var chosen []Choice
	for i, c := range verify.Choices {
		switch {
		case c.Token == drafts[i].Token:
		case d.Threshold < 1 && math.Exp(-float64(verify.Below[i])) >= d.Threshold:
			drafts[i].Steps, drafts[i].LogProb, drafts[i].Top = c.Steps, verify.LogProbs[i], c.Top // its logit is that of the draft
			c = drafts[i]
		default:
			return append(chosen, c), s.e.Rewind(s.seq, first+i+1)
		}
		s.out.Accepted++
		chosen = append(chosen, c)
	}
	return chosen, nil
}
