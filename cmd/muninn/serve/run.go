package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/trace"
	"muninn/vk"
)

// Result is all that comes of an Ask.
type Result struct {
	ID      string
	Created time.Time
	Model   *Model
	Name    string // of the model, as the client has it
	Choices []*Choice

	began, first, ended time.Time // running, the first token, and the last
}

// Choice is one answer.
type Choice struct {
	Index    int
	Prompt   []int32
	Text     string // what became certain, but for Thinking
	Thinking string // what the model thought before
	Parts    []Part // both, as they came
	Tokens   []decode.Token
	Out      decode.Outcome
	Ended    bool
	Trace    *trace.Trace // once it has ended; nil: none was asked for

	prompt Prompt
	apart  bool // thoughts are told from the answer
	offset offsets
	held   held // tokens that are in none of Parts yet
}

// Finish is why the answer ended, in OpenAI's words.
func (c *Choice) Finish() string {
	if c.Out.Finish == decode.FinishStop {
		return "stop"
	}
	return "length"
}

// StepsPerToken lists the core steps of each token.
func (c *Choice) StepsPerToken() []int {
	return stepsOf(c.Tokens)
}

// EventKind says what has happened.
type EventKind int

// An answer begins with Begin. Each token, and text that was held back, is a Delta of its choice, which End ends. Close is last.
// Recorded is what a trace tells meanwhile.
const (
	Begin EventKind = iota
	Delta
	Recorded
	End
	Close
)

// Event is what a stream tells of.
type Event struct {
	Kind   EventKind
	Choice *Choice
	Token  decode.Token // of Delta. Token.Token -1: only text
	Text   string       // of Delta: what became certain, of the thoughts if Token.Thinking
	Record any          // of Recorded: as it is sent
}

// report is what the goroutines of a request tell the one that answers it.
type report struct {
	result *Result
	choice *Choice
	token  *decode.Token
	record any
	out    decode.Outcome
	err    error
}

// run makes the answers of an Ask, and reports what comes of it until all is done. It waits for its model and its place.
func (s *Server) run(ctx context.Context, a *Ask, r *http.Request) <-chan report {
	reports, client, owner := make(chan report), ownerOf(r, ""), ownerOf(r, a.User)
	tell := func(r report) bool {
		select {
		case reports <- r:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(reports)
		if err := s.safely(func() error { return s.make(ctx, a, client, owner, tell) }); err != nil {
			tell(report{err: err})
		}
	}()
	return reports
}

// safely makes an error of a panic, which would else end the server.
func (s *Server) safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.bug(p, debug.Stack())
			err = errPanic
		}
	}()
	if err = f(); err != nil {
		if p, ok := errors.AsType[*engine.Panic](err); ok {
			s.bug(p.Value, p.Stack)
		}
	}
	return err
}

func (s *Server) bug(panicked any, stack []byte) {
	s.Log.Error("a bug in muninn, not in what was asked for", "panic", fmt.Sprint(panicked), "stack", string(stack))
}

var errPanic = errors.New("serve: a bug in muninn")

// make waits for an Ask's model, takes a place there, and makes the answers.
func (s *Server) make(ctx context.Context, a *Ask, client, owner string, tell func(report) bool) error {
	m, alias, release, err := s.Models.Acquire(ctx, a.Model)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	place, err := m.enter(client, cancel)
	if err != nil {
		return err
	}
	defer place.leave()
	var jobs []job
	err = s.inTurn(ctx, a.size, func() (err error) {
		jobs, err = a.plan(m, alias, owner)
		return err
	})
	if err != nil {
		return err
	}
	res := &Result{Created: time.Now(), Model: m, Name: a.Model, began: time.Now()}
	if res.Name == "" {
		res.Name = m.ID
	}
	for i := range jobs {
		res.Choices = append(res.Choices, jobs[i].choice)
	}
	tell(report{result: res})
	begun := sync.OnceFunc(place.begun)
	return s.runJobs(ctx, m, jobs, func(r report) bool {
		begun()
		return tell(r)
	})
}

// runJobs runs jobs, as many at once as the model runs at all. Those of one prompt wait until the first of them has read it, which they then
// need not.
func (s *Server) runJobs(ctx context.Context, m *Model, jobs []job, tell func(report) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	places := make(chan struct{}, m.Parallel)
	for _, j := range jobs {
		if !j.leads {
			select {
			case <-j.read:
			case <-ctx.Done():
			}
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			all.Wait()
			return context.Cause(ctx)
		}
		begun := func() {}
		if j.leads {
			begun = sync.OnceFunc(func() { close(j.read) })
		}
		all.Go(func() {
			defer func() { <-places }()
			defer begun()
			err := s.safely(func() error { return s.runJob(ctx, m, j, begun, tell) })
			if errors.Is(err, engine.ErrLoopFailed) || errors.Is(err, vk.ErrDeviceLost) {
				s.Models.Broken(m)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// runJob makes one answer.
func (s *Server) runJob(ctx context.Context, m *Model, j job, begun func(), tell func(report) bool) error {
	if j.trace != nil {
		return s.record(ctx, m, j, tell)
	}
	stream, err := m.Engine.Submit(ctx, j.req, j.setting)
	if err == nil {
		n := 0
		for token := range stream.Tokens() {
			begun()
			if n++; j.shown < 0 || n <= j.shown {
				tell(report{choice: j.choice, token: &token})
			}
		}
		var out decode.Outcome
		if out, err = stream.Outcome(); err == nil {
			tell(report{choice: j.choice, out: out})
		}
	}
	return err
}

// add puts what was reported into the choice and tells the event that it is.
func (c *Choice) add(r report, res *Result) Event {
	switch {
	case r.record != nil:
		return Event{Kind: Recorded, Choice: c, Record: r.record}
	case r.token == nil:
		c.Out, c.Ended, res.ended = r.out, true, time.Now()
		return Event{Kind: End, Choice: c}
	}
	if res.first.IsZero() {
		res.first = time.Now()
	}
	t := *r.token
	if t.Token >= 0 {
		c.Tokens = append(c.Tokens, t)
	}
	text := t.Text
	if t.Thinking = t.Thinking && c.apart; t.Thinking {
		text = thoughtMarks.Replace(text)
		c.Thinking += text
	} else {
		c.Text += text
	}
	c.addPart(t, text)
	return Event{Kind: Delta, Choice: c, Token: t, Text: text}
}
