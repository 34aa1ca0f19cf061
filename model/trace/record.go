package trace

import (
	"errors"
	"fmt"

	"muninn/model/decode"
	"muninn/model/tokenizer"
)

// Engine is what a trace is recorded on: engine.Session has one, and requests of an engine.Loop are given one.
type Engine interface {
	decode.Engine
	Outputs() int // rows of logits of a pass at most
	SetSequence(seq int, setting decode.Sequence)
}

// Job is a text to decode and to record.
type Job struct {
	Request   decode.Request
	State     decode.Sequence      // how tokens start
	Tokenizer *tokenizer.Tokenizer // nil: no texts
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

// Record decodes a job's request on a sequence of an engine, from position 0 on, for Build.
func (b *Builder) Record(e Engine, seq int, j Job) (decode.Outcome, error) {
	if err := e.Rewind(seq, 0); err != nil {
		return decode.Outcome{}, err
	}
	e.SetSequence(seq, j.State)
	r := &Recorder{Engine: e, Builder: b, Step: j.Step, Token: j.Token, Prompt: len(j.Request.Prompt),
		Prefix: j.Request.Prefix > 0, First: j.First, End: j.End}
	if j.Emit == nil {
		j.Emit = func(decode.Token) error { return nil }
	}
	out, err := decode.Generate(r, j.Tokenizer, seq, j.Request, j.Emit)
	if err == nil && j.Starts > 0 {
		err = r.starts(seq, j)
	}
	return out, err
}

// starts takes one token from the run's own initial state and from others. The sequence is empty then.
func (r *Recorder) starts(seq int, j Job) error {
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
	if err := r.Rewind(seq, at); err != nil {
		return err
	}
	for i := range j.Starts {
		setting := j.State
		setting.Seed += uint64(i)
		r.SetSequence(seq, setting)
		a := &decode.Task{Seq: seq, Rows: []decode.TaskRow{{Pos: at, Token: of.token.ID, Begin: true}}, Steps: j.Request.Steps, Noise: j.Request.Strategy.Noise}
		if err := r.Walk(a, func(_ int, initial []float32) *Path { return r.Builder.Start(of, setting.Seed, initial) }); err != nil {
			return err
		}
	}
	return r.Rewind(seq, 0)
}
