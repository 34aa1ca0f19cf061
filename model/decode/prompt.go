package decode

import "slices"

// prompt runs the prompt, but for what is held, in as few tasks as the engine takes, and gives the token that follows it. With an exit each of
// these leaves by itself. The last token is left out if it is only scored.
func (s *decoding) prompt() (Choice, error) {
	var rows []TaskRow
	run := s.Prompt
	if s.scoresOnly() {
		run = run[:len(run)-1]
	}
	for i, token := range run[s.Held:] {
		rows = append(rows, TaskRow{Pos: s.base + s.Held + i, Token: token, Begin: true})
	}
	exit := s.Strategy.Exit
	most := s.e.Rows()
	if s.e.Lookup().OneByOne || exit != nil && exit.Prefill && (exit.Criterion == Gate || s.Score) {
		most = 1
	}
	var last *Task // there is one: the prompt has tokens
	for chunk := range slices.Chunk(rows, most) {
		a := &Task{Rows: chunk, Last: true, Prompt: true, Top: s.Top, Prefix: s.prefix(), Steps: s.Steps}
		if s.Progress != nil {
			a.Progress = func(done, _ int) { s.Progress(chunk[0].Pos-s.base+done, len(s.Prompt)) }
		}
		if exit != nil && exit.Prefill {
			a.Exit = exit
		}
		if chunk[len(chunk)-1].Pos == rows[len(rows)-1].Pos {
			a.Outputs = 1
			last = a
		}
		s.score(a)
		if err := s.do(a); err != nil {
			return Choice{}, err
		}
		s.scored(a)
	}
	return last.Choices[len(last.Choices)-1], nil
}

// prefix is how many positions of the sequence see each other.
func (s *decoding) prefix() int {
	if s.Prefix == 0 {
		return 0
	}
	return s.base + s.Prefix
}

// scoresOnly tells whether the prompt is scored and nothing generated.
func (s *decoding) scoresOnly() bool { return s.Score && s.MaxTokens == 0 }

// Reusable is how many of the prompt's first tokens need not run if the sequence holds them: all but those that something is wanted of.
func (r Request) Reusable() int {
	n := len(r.Prompt) - 1
	if r.Instead != nil {
		return 0
	}
	if r.Score {
		n = min(n, max(r.ScoreFrom-1, 0))
	}
	return n
}

// checkScore says why the prompt cannot be scored, if so.
func (s *decoding) checkScore() error {
	switch {
	case !s.Score:
		return nil
	case s.ScoreFrom < 0 || s.ScoreFrom > len(s.Prompt):
		return strategyError("scores from token %d of the prompt's %d on", s.ScoreFrom, len(s.Prompt))
	case s.Held > s.Reusable():
		return strategyError("%d of the prompt's tokens are held, those from %d on are to be scored: they run", s.Held, max(s.ScoreFrom, 1))
	case s.Strategy.Wave != nil && !s.Strategy.Wave.FullPrefill:
		return strategyError("the prompt of a wave without a pass of its own has no log probabilities: its tokens are settled together; set FullPrefill, or decode plainly")
	case s.Prefix > max(s.ScoreFrom, 1):
		return strategyError("log probabilities of tokens in a prefix of %d, which see each other: score those behind it, or give no prefix", s.Prefix)
	}
	s.out.Prompt = make([]Scored, len(s.Prompt))
	return nil
}

// score asks for the log probabilities of what follows the rows of a task, as far as the request does.
func (s *decoding) score(a *Task) {
	if !s.Score {
		return
	}
	a.Score, a.Outputs = true, 0
	for _, r := range a.Rows {
		switch next := r.Pos - s.base + 1; {
		case next == len(s.Prompt): // none follows: a token is picked
			a.Given, a.Outputs = append(a.Given, 0), a.Outputs+1
		case next >= s.ScoreFrom:
			a.Given, a.Outputs = append(a.Given, s.Prompt[next]), a.Outputs+1
		}
	}
}

// scored takes what came of that.
func (s *decoding) scored(a *Task) {
	if !s.Score {
		return
	}
	for i, c := range a.Choices {
		if next := c.Pos - s.base + 1; next < len(s.Prompt) {
			s.out.Prompt[next] = Scored{a.LogProbs[i], c.Top}
		}
	}
}
