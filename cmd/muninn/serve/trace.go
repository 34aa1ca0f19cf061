package serve

import (
	"context"
	"errors"
	"slices"

	"muninn/model/decode"
	"muninn/model/trace"
)

// Bounds of traces: a trace keeps every state.
const (
	maxTraced      = 512       // tokens
	maxTracedBytes = 512 << 20 // of states
	maxTraceStarts = 16
)

// traceDialect records an answer, and is else as chat or completions: a body has the fields of either. A stream has what theirs has,
// between it {"prompt": {"read", "of"}} and {"token"}, a trace.Token, for each that has been read; before the usage it has {"trace"}.
var traceDialect = &Dialect{
	Path: "/v1/trace", Prefix: "trace-", Decode: decodeTrace,
	Whole: func(_ *Ask, r *Result) any { return traceWhole(r) }, Stream: traceStream,
}

// traceAsk is what of a body is about the trace.
type traceAsk struct {
	form               *Dialect // that the rest of the body is of
	components, starts int
	last               int // tokens of the prompt that are recorded; 0: all
	records            int // tokens of the answer that are recorded at most; 0: all
	at                 int // position of the token of starts; -1: the last of the prompt
	stream             bool
}

// traceAnswer is a trace, with what was said.
type traceAnswer struct {
	*trace.Trace
	Answer   string `json:"answer"`
	Thinking string `json:"reasoning_content,omitempty"`
	Finish   string `json:"finish_reason"`
	Usage    usage  `json:"usage"`
}

func decodeTrace(f *Fields) (*Ask, error) {
	t := &traceAsk{form: completionsDialect, components: trace.MinComponents, at: -1}
	if f.Has("messages") {
		t.form = chatDialect
	}
	a, err := t.form.Decode(f)
	if err != nil {
		return nil, err
	}
	for name, to := range map[string]struct {
		v      *int
		lo, hi float64
	}{
		"components": {&t.components, trace.MinComponents, trace.MaxComponents}, "starts": {&t.starts, 0, maxTraceStarts},
		"last": {&t.last, 1, maxTokens}, "records": {&t.records, 1, maxTokens}, "at": {&t.at, 0, maxTokens},
	} {
		if n := f.Whole(name, to.lo, to.hi); n != nil {
			*to.v = *n
		}
	}
	if a.Limit < 0 {
		a.Limit = 16
	}
	switch {
	case len(a.Prompts) > 1 || a.N > 1:
		f.Fail(Refuse("prompt", "a trace is of one prompt and one answer"))
	case a.Logprobs || a.Echo:
		f.Fail(Refuse("logprobs", "a trace has the five likeliest tokens of every core step; logprobs and echo are not for it"))
	}
	a.trace, t.stream = t, a.Stream
	return a, nil
}

// recording is a text to record, within bounds.
type recording struct {
	trace.Job
	ask  *traceAsk
	told int // reports of it at most
}

// fit has a job recorded, or says what is out of bounds.
func (t *traceAsk) fit(m *Model, j *job) error {
	prompt, made := len(j.req.Prompt), min(j.req.MaxTokens, m.Context)
	out := trace.Job{Request: j.req, State: j.setting, Tokenizer: m.Tokenizer, Starts: t.starts, At: t.at}
	if t.last > 0 && j.req.Prefix == 0 {
		out.First = max(prompt-t.last, 0)
	}
	end := min(prompt+made-1, m.Context)
	if t.records > 0 {
		end = min(end, prompt+t.records)
		out.End = end
	}
	rows := end - out.First
	bytes := (rows + t.starts) * (j.req.Steps + 1) * m.Config.NEmbd * 4
	switch {
	case !j.req.Strategy.Plain():
		return Refuse("decode", "decode is %s: a trace is of plain decoding", j.req.Strategy.Name())
	case j.req.Steps == 0:
		return Refuse("num_steps", "num_steps is 0: a trace needs a core step at least")
	case rows > maxTraced:
		return Refuse("max_tokens", "a trace of up to %d tokens: at most %d are recorded; lower max_tokens, or record only the last of the prompt (last) or the first of the answer (records)",
			rows, maxTraced)
	case bytes > maxTracedBytes:
		return Refuse("num_steps", "a trace of up to %d tokens with %d states each takes %d MiB, at most %d are kept; lower num_steps or max_tokens, or record fewer tokens (last, records)",
			rows, j.req.Steps+1, bytes>>20, maxTracedBytes>>20)
	case t.starts > 0 && j.req.Strategy.ContinuousCompute:
		return Refuse("starts", "starts are not for continuous_compute: there a token starts from the state of the one before")
	case t.at >= 0 && (t.at < out.First || t.at >= end):
		return Refuse("at", "at is %d: this trace has positions %d to %d", t.at, out.First, end-1)
	}
	j.trace = &recording{out, t, rows + made + 4}
	return nil
}

// record makes one answer and records it, among the model's other requests. The engine never waits for who listens. Should the request
// begin again for want of pages, so does the recording; what was told is not told again.
func (s *Server) record(ctx context.Context, m *Model, j job, tell func(report) bool) error {
	r, req := j.trace, j.req
	about, options := r.about(m, s.Version)
	if _, err := trace.NewBuilder(about, options); err != nil {
		return err
	}
	var b *trace.Builder
	told, tokens, next := make(chan report, r.told), 0, 0
	if r.ask.stream {
		r.Token = func(token trace.Token) {
			if token.Pos >= next {
				told <- report{choice: j.choice, record: map[string]any{"token": token}}
				next = token.Pos + 1
			}
		}
		r.Request.Progress = func(done, total int) {
			if len(told) == 0 { // else there is better to tell
				told <- report{choice: j.choice, record: map[string]any{"prompt": map[string]int{"read": done, "of": total}}}
			}
		}
	}
	req.Instead = func(e decode.Engine, seq int, emit func(decode.Token) error) (decode.Outcome, error) { // on the loop's goroutine
		b, _ = trace.NewBuilder(about, options)
		job, n := r.Job, 0
		job.Emit = func(token decode.Token) error {
			if n++; n > tokens && j.shown < 0 {
				told <- report{choice: j.choice, token: &token}
			}
			tokens = max(tokens, n)
			return emit(token)
		}
		return b.Record(e.(trace.Engine), seq, job)
	}
	stream, err := m.Engine.Submit(ctx, req, j.setting)
	if err != nil {
		return err
	}
	go func() {
		defer close(told)
		var out decode.Outcome
		if out, err = stream.Outcome(); err == nil {
			told <- report{choice: j.choice, out: out}
		}
	}()
	for x := range told {
		tell(x)
	}
	if errors.Is(err, trace.ErrEnded) {
		return Refuse("at", "at: %v", err)
	}
	if err == nil {
		j.choice.Trace, err = b.Build()
	}
	return err
}

// about is what a trace says of its run, and how it is made.
func (r *recording) about(m *Model, version string) (trace.Trace, trace.Options) {
	t := trace.Trace{Model: m.ID, Device: m.Device, Criterion: "none", MaxSteps: r.Request.Steps,
		Run: trace.Run{Program: version, Weights: m.Weights, Lookup: m.Lookup, Seed: r.State.Seed}}
	if exit := r.Request.Strategy.Exit; exit != nil {
		t.Criterion, t.Threshold = string(exit.Criterion), exit.Limit()
	}
	o := trace.Options{Width: m.Config.NEmbd, Components: r.ask.components}
	if m.Tokenizer != nil {
		o.Text = m.Tokenizer.Bytes
		for _, id := range r.Request.Prompt {
			t.Prompt += string(m.Tokenizer.Bytes(id))
		}
	}
	return t, o
}

func traceWhole(r *Result) *traceAnswer {
	c := r.Choices[0]
	return &traceAnswer{c.Trace, c.Text, c.Thinking, c.Finish(), r.usage()}
}

// traceStream is a stream of the body's form, and the trace.
func traceStream(a *Ask, r *Result) func(Event) []Frame {
	answer := a.trace.form.Stream(a, r)
	return func(e Event) []Frame {
		switch e.Kind {
		case Recorded:
			return []Frame{{Data: e.Record}}
		case Close:
			return slices.Concat([]Frame{{Data: map[string]any{"trace": traceWhole(r)}}}, answer(e))
		}
		return answer(e)
	}
}
