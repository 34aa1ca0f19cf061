package decode

// plain decodes token by token, each with its own number of core steps if there is an exit.
func (s *decoding) plain() error {
	next, err := s.prompt()
	for err == nil {
		var done bool
		if done, err = s.put(next); done || err != nil {
			break
		}
		a := &Task{Rows: []TaskRow{s.following(next.Pos+1, next.Token)}, Steps: s.Steps, Exit: s.Strategy.Exit, Outputs: 1}
		if err = s.do(a); err == nil {
			next = a.Choices[0]
		}
	}
	return err
}

// following is the row of a token that follows a live one.
func (s *decoding) following(pos int, token int32) TaskRow {
	row := TaskRow{Pos: pos, Token: token, Begin: true}
	switch {
	case s.Strategy.ContinuousCompute && s.Strategy.Exit == nil:
		row.From = FromNormed
	case s.Strategy.ContinuousCompute:
		row.From = FromPrevious // the reference leaves out ln_f here
	}
	return row
}

// Scored is one token of a given text: what the model made of it, and the log-probability of the text's next token.
type Scored struct {
	Choice
	NextLogProb float32 // 0 for the last
}

// Score runs a given text token by token, each with its own number of core steps: req's prompt, at req.Steps with its exit and
// noise, plainly. Choices are greedy.
func Score(e Engine, seq int, req Request, emit func(Scored) error) (Outcome, error) {
	req.Pick = Filters{Greedy: true}
	req.Strategy = Strategy{Exit: req.Strategy.Exit, Noise: req.Strategy.Noise, ContinuousCompute: req.Strategy.ContinuousCompute}
	s := &decoding{Request: req, e: e, seq: seq, base: e.Pos(seq)}
	err := s.check()
	for i := 0; err == nil && i < len(s.Prompt); i++ {
		row := TaskRow{Pos: s.base, Token: s.Prompt[0], Begin: true}
		if i > 0 {
			row = s.following(s.base+i, s.Prompt[i])
		}
		a := &Task{Rows: []TaskRow{row}, Steps: s.Steps, Exit: s.Strategy.Exit, Outputs: 1}
		if i+1 < len(s.Prompt) {
			a.Given = s.Prompt[i+1 : i+2]
		}
		if err = s.do(a); err != nil {
			break
		}
		scored := Scored{Choice: a.Choices[0]}
		if a.Given != nil {
			scored.NextLogProb = a.Choices[0].LogProb - a.Below[0]
		}
		s.out.Tokens = append(s.out.Tokens, a.Choices[0].Token)
		err = emit(scored)
	}
	return s.out, err
}
