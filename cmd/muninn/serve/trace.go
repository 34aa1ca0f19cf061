package serve

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/trace"
	"muninn/vk"
)

// Bounds of traces: a trace keeps every state, and others wait while it is recorded.
const (
	maxTraced      = 512       // tokens
	maxTracedBytes = 512 << 20 // of states
	maxTraceStarts = 16
)

// traceAsk is what of a body is about the trace.
type traceAsk struct {
	*Ask
	components, starts int
	last               int // tokens of the prompt that are recorded; 0: all
	at                 int // position of the token of starts; -1: the last of the prompt
}

// traceAnswer is a trace, with what was said.
type traceAnswer struct {
	*trace.Trace
	Answer string `json:"answer"`
	Finish string `json:"finish_reason"`
}

// decodeTrace reads a body: that of a chat or of a completion, and how it is traced.
func decodeTrace(w http.ResponseWriter, r *http.Request) (*traceAsk, error) {
	f, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	decode := decodeCompletions
	if f.Has("messages") {
		decode = decodeChat
	}
	t := &traceAsk{components: trace.MinComponents, at: -1}
	if t.Ask, err = decode(f); err != nil {
		return nil, err
	}
	for name, to := range map[string]struct {
		v      *int
		lo, hi float64
	}{
		"components": {&t.components, trace.MinComponents, trace.MaxComponents}, "starts": {&t.starts, 0, maxTraceStarts},
		"last": {&t.last, 1, maxTokens}, "at": {&t.at, 0, maxTokens},
	} {
		if n := f.Whole(name, to.lo, to.hi); n != nil {
			*to.v = *n
		}
	}
	if t.Limit < 0 {
		t.Limit = 16
	}
	switch {
	case len(t.Prompts) > 1 || t.N > 1:
		f.Fail(Refuse("prompt", "a trace is of one prompt and one answer"))
	case t.Logprobs || t.Echo:
		f.Fail(Refuse("logprobs", "a trace has the five likeliest tokens of every core step; logprobs and echo are not for it"))
	}
	if f.Err != nil {
		return nil, f.Err
	}
	return t, nil
}

// job is the text to record, within bounds.
func (t *traceAsk) job(m *Model, j job) (trace.Job, error) {
	prompt := len(j.req.Prompt)
	out := trace.Job{Request: j.req, State: j.setting, Tokenizer: m.Tokenizer, Starts: t.starts, At: t.at}
	if t.last > 0 && j.req.Prefix == 0 {
		out.First = max(prompt-t.last, 0)
	}
	rows := min(prompt+j.req.MaxTokens-1, m.Context) - out.First
	bytes := (rows + t.starts) * (j.req.Steps + 1) * m.Config.NEmbd * 4
	switch {
	case j.req.Steps == 0:
		return out, Refuse("num_steps", "num_steps is 0: a trace needs a core step at least")
	case rows > maxTraced:
		return out, Refuse("max_tokens", "a trace of up to %d tokens: at most %d are recorded; lower max_tokens, or record only the last of the prompt (last)", rows, maxTraced)
	case bytes > maxTracedBytes:
		return out, Refuse("num_steps", "a trace of up to %d tokens with %d states each takes %d MiB, at most %d are kept; lower num_steps or max_tokens, or record only the last of the prompt (last)",
			rows, j.req.Steps+1, bytes>>20, maxTracedBytes>>20)
	case t.starts > 0 && j.req.Strategy.ContinuousCompute:
		return out, Refuse("starts", "starts are not for continuous_compute: there a token starts from the state of the one before")
	case t.at >= 0 && (t.at < out.First || t.at >= out.First+rows):
		return out, Refuse("at", "at is %d: this trace has positions %d to %d", t.at, out.First, out.First+rows-1)
	}
	return out, nil
}

// recording is what the goroutine that records tells the one that answers.
type recording struct {
	token *trace.Token
	done  *traceAnswer
	err   error
}

// record records on the model's session while no request runs, and tells each token as it is done. It never waits for who listens.
func (s *Server) record(ctx context.Context, t *traceAsk, m *Model, job trace.Job) <-chan recording {
	told := make(chan recording, maxTraced+1)
	about := trace.Trace{Model: m.ID, Device: m.Device, Criterion: "none", MaxSteps: job.Request.Steps,
		Run: trace.Run{Program: s.Version, Weights: m.Weights, Lookup: m.Lookup, Seed: job.State.Seed}}
	if exit := job.Request.Strategy.Exit; exit != nil {
		about.Criterion, about.Threshold = string(exit.Criterion), exit.Limit()
	}
	options := trace.Options{Width: m.Config.NEmbd, Components: t.components}
	if m.Tokenizer != nil {
		options.Text = m.Tokenizer.Bytes
		for _, id := range job.Request.Prompt {
			about.Prompt += string(m.Tokenizer.Bytes(id))
		}
	}
	if t.Stream {
		job.Token = func(token trace.Token) { told <- recording{token: &token} }
	}
	var answer strings.Builder
	job.Emit = func(token decode.Token) error {
		if t.Limit > 0 {
			answer.WriteString(token.Text)
		}
		return nil
	}
	go func() {
		defer close(told)
		var out decode.Outcome
		var done *trace.Trace
		err := s.safely(func() error {
			b, err := trace.NewBuilder(about, options)
			if err != nil {
				return err
			}
			err = m.Engine.Use(ctx, func(x *engine.Session) error {
				return s.safely(func() (err error) { // on the loop's goroutine
					job.Outputs = x.Outputs()
					out, err = b.Record(x.Engine(ctx), x, job)
					return err
				})
			})
			if err == nil {
				done, err = b.Build()
			}
			return err
		})
		told <- recording{done: &traceAnswer{done, answer.String(), (&Choice{Out: out}).Finish()}, err: err}
	}()
	return told
}

// trace answers what happens at each core step of each token of a text.
func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	if err := s.traced(w, r); err != nil {
		s.fail(w, r, err)
	}
}

func (s *Server) traced(w http.ResponseWriter, r *http.Request) error {
	t, err := decodeTrace(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	m, alias, release, err := s.Models.Acquire(ctx, t.Model)
	if err != nil {
		return err
	}
	defer release()
	jobs, err := t.plan(m, alias, ownerOf(r, t.User))
	if err != nil {
		return err
	}
	job, err := t.job(m, jobs[0])
	if err != nil {
		return err
	}
	log := recordOf(r)
	log.model, log.prompt = m.ID, len(job.Request.Prompt)
	place, err := m.enter(ownerOf(r, ""), nil)
	if err != nil {
		return err
	}
	defer place.leave()
	told := s.record(ctx, t, m, job)
	defer func() { // the session is lent until then
		cancel()
		for range told {
		}
	}()
	return s.sendTrace(w, r, m, t.Stream, told)
}

// sendTrace sends what is told: as a stream the tokens one by one, in the end the whole.
func (s *Server) sendTrace(w http.ResponseWriter, r *http.Request, m *Model, stream bool, told <-chan recording) error {
	out := &eventStream{w: w}
	ping := time.NewTicker(pingTime)
	defer ping.Stop()
	for {
		select {
		case <-ping.C:
			if stream {
				if err := out.ping(); err != nil {
					return context.Canceled
				}
			}
		case x := <-told:
			if errors.Is(x.err, vk.ErrDeviceLost) {
				s.Models.Broken(m)
			}
			switch {
			case x.err != nil && !out.begun:
				return traceError(x.err)
			case x.err != nil:
				s.logError(recordOf(r), x.err)
				return out.send(Frame{Data: openAIError(AsError(x.err))})
			case x.token != nil:
				if err := out.send(Frame{Data: map[string]any{"token": x.token}}); err != nil {
					return context.Canceled
				}
			case stream:
				return out.send(Frame{Data: map[string]any{"trace": x.done}}, Frame{Raw: "[DONE]"})
			default:
				writeJSON(w, http.StatusOK, x.done)
				return nil
			}
		}
	}
}

// traceError says what is wrong with a position that the text did not come to.
func traceError(err error) error {
	if errors.Is(err, trace.ErrEnded) {
		return Refuse("at", "at: %v", err)
	}
	return err
}
