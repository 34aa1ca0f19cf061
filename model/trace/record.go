package trace

import (
	"errors"
	"fmt"

	"muninn/model/decode"
	"muninn/model/tokenizer"
)

// Session is what a trace is recorded on, by its sequence 0: engine.Session.
type Session interface {
	Latents(n int) ([][]float32, error) // states of the last n rows that ran
	SetSequence(seq int, setting decode.Sequence)
}

// Job is a text to decode and to record.
type Job struct {
	Request   decode.Request
	State     decode.Sequence      // how tokens start
	Tokenizer *tokenizer.Tokenizer // nil: no texts
	Outputs   int                  // rows of logits of a pass at most; 0: as many as rows
	First     int                  // positions before this one are run, and not recorded
	End       int                  // and those from this one on; 0: there are none
	Starts    int                  // initial states from which one token is taken again; 0: none. Not with continuous compute
	At        int                  // position of that token; -1: the last one of the prompt

	Step  func()                   // called after each core step recorded; nil: nobody asks
	Token func(Token)              // given each token once it is done, as Path.Now has it; nil: nobody asks
	Emit  func(decode.Token) error // as decode.Generate has it; nil: nobody asks
}

// ErrEnded is wrapped, and the position follows, when the text has ended before the one whose token was to be taken again.
var ErrEnded = errors.New("the text ended after position")

// Record decodes a job's request on sequence 0 of an engine and its session, from position 0 on, for Build.
func (b *Builder) Record(e decode.Engine, s Session, j Job) (decode.Outcome, error) {
	if err := e.Rewind(0, 0); err != nil {
		return decode.Outcome{}, err
	}
	s.SetSequence(0, j.State)
	r := &Recorder{Engine: e, Builder: b, Latents: s.Latents, Outputs: j.Outputs, Step: j.Step, Token: j.Token, Prompt: len(j.Request.Prompt),
		Prefix: j.Request.Prefix > 0, First: j.First, End: j.End}
	if j.Emit == nil {
		j.Emit = func(decode.Token) error { return nil }
	}
	out, err := decode.Generate(r, j.Tokenizer, 0, j.Request, j.Emit)
	if err == nil && j.Starts > 0 {
		err = r.starts(s, j)
	}
	return out, err
}

// starts takes one token from the run's own initial state and from others.
func (r *Recorder) starts(s Session, j Job) error {
	at := j.At
	if at < 0 {
		at = len(j.Request.Prompt) - 1
	}
	var of *Path
	for _, p := range r.Paths {
		if p.token.Pos == at {
			of = p
		}
	}
	if of == nil {
		return fmt.Errorf("%w %d", ErrEnded, r.Paths[len(r.Paths)-1].token.Pos)
	}
	if err := r.Rewind(0, at); err != nil {
		return err
	}
	for i := range j.Starts {
		setting := j.State
		setting.Seed += uint64(i)
		s.SetSequence(0, setting)
		a := &decode.Task{Rows: []decode.TaskRow{{Pos: at, Token: of.token.ID, Begin: true}}, Steps: j.Request.Steps, Noise: j.Request.Strategy.Noise}
		if err := r.Walk(a, func(_ int, initial []float32) *Path { return r.Builder.Start(of, setting.Seed, initial) }); err != nil {
			return err
		}
	}
	return nil
}
