package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"muninn/cmd/muninn/chat"
	"muninn/cmd/muninn/cli"
	"muninn/model"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/fit"
	"muninn/shaders"
)

// chatting is a chat under way.
type chatting struct {
	s    *cli.Streams
	o    *runOptions
	ck   *checkpoint.Checkpoint
	x    *opened
	p    plan // of the next answer, but for its prompt
	talk *chat.Conversation
	from source

	chosen  map[string][]string // flags, with their values
	cache   chat.Cache
	last    answered
	again   uint64 // how often the last message has been answered anew
	answers int    // that the conversation was given
}

// answered is the last answer's request, with the whole prompt.
type answered struct {
	request decode.Request
	tokens  int
}

// ask answers a message.
func (c *chatting) ask(ctx context.Context, question string) error {
	c.again = 0
	return c.answer(ctx, question, c.p)
}

// answer answers a message as a plan has it, and adds both to the conversation.
func (c *chatting) answer(ctx context.Context, question string, p plan) error {
	if _, err := noteLoss(c.s, c.x.Tokenizer, question, false); err != nil {
		return err
	}
	context, room := c.x.session.Context(), 1
	if c.o.Shift {
		if room = context / 4; c.o.MaxTokens > 0 {
			room = min(c.o.MaxTokens, context/2)
		}
	}
	prompt, dropped, err := c.talk.Fit(question, context, room, c.o.Shift)
	if err != nil {
		return c.full(err)
	}
	if dropped > 0 {
		c.s.Note("the context of %d positions is full: the oldest %s dropped", context, map[bool]string{true: "question is", false: fmt.Sprintf("%d questions are", dropped)}[dropped == 1])
	}
	p.request.Prompt = prompt
	if c.ck.Config.PrefixLM {
		p.request.Prefix = len(prompt)
	}
	said, err := c.generate(ctx, p)
	if err != nil || said.none {
		return err
	}
	c.answers++
	return c.talk.Answered(question, said.text, said.ids)
}

// full says what can be done about a context that is full.
func (c *chatting) full(err error) error {
	switch {
	case errors.Is(err, chat.ErrFull) && (c.talk.Single() || len(c.talk.Turns) == 0):
		return cli.Usage("%v; shorten the message, or begin with a larger --ctx (this model: up to %d)", err, c.ck.Config.BlockSize)
	case errors.Is(err, chat.ErrFull):
		return cli.Usage("%v; /clear begins anew, --context-shift drops the oldest questions, --ctx gives more room (this model: up to %d)", err, c.ck.Config.BlockSize)
	}
	return err
}

// said is an answer.
type said struct {
	text string
	ids  []int32 // without the one that ended it; nil where the text was cut short before a stop text
	none bool    // it was stopped before it began
}

// generate decodes an answer and prints it, until Ctrl-C or its end.
func (c *chatting) generate(ctx context.Context, p plan) (a said, err error) {
	p.request.StopIDs = c.x.StopIDs()
	c.last = answered{request: p.request}
	prompt := len(p.request.Prompt)
	held, err := c.cache.Take(c.x.session, &p.request, p.state)
	if err != nil {
		return a, err
	}
	c.x.read(c.s, &p)
	defer c.x.reading.Done()
	req := p.request
	w := newTokenWriter(c.s, c.o.JSON, true)
	if c.o.Steps && !c.o.JSON {
		w.steps = cli.NewStepsView(c.s, req.Steps)
	}
	t := newTally(c.x.Device(), prompt, 0)
	t.held = held
	var text strings.Builder
	var out decode.Outcome
	err = c.interruptible(ctx, func(ctx context.Context) (err error) {
		out, err = c.x.Generate(ctx, c.x.session, 0, req, func(token decode.Token) error {
			c.x.reading.Done()
			t.token(token)
			text.WriteString(token.Text)
			return w.token(token)
		})
		return err
	})
	c.cache.Ran(err == nil)
	if err != nil && !errors.Is(err, errStopped) && ctx.Err() == nil {
		return a, err
	}
	c.x.reading.Done()
	if err != nil {
		out.Finish = "interrupted"
		if t.tokens == 0 && cli.IsTerminal(c.s.Err) {
			fmt.Fprint(c.s.Err, cli.Esc+"[1G"+cli.Esc+"[K") // the terminal's ^C
		}
	}
	c.last.tokens = t.tokens
	a = said{text.String(), t.ids, err != nil && t.tokens == 0}
	if n := len(a.ids); n > 0 && slices.Contains(req.StopIDs, a.ids[n-1]) {
		a.ids = a.ids[:n-1]
	} else if out.Finish == decode.FinishStop {
		a.ids = nil // of a stop text
	}
	return a, errors.Join(context.Cause(ctx), c.finish(w, t, out, req))
}

// finish ends what is printed of an answer, and says in a line what it took.
func (c *chatting) finish(w *tokenWriter, t *tally, out decode.Outcome, req decode.Request) error {
	sum := t.close(c.x.session, out, req)
	sum.KVBytes = c.kvBytes()
	err := w.close(sum)
	c.s.EndLine()
	if c.from != nil && !cli.IsTerminal(c.s.Out) && w.json == nil && w.steps == nil {
		fmt.Fprintln(c.s.Out) // the next answer begins on a line of its own
	}
	parts := []string{fmt.Sprintf("%d tok", sum.Tokens)}
	if sum.AnswerRate != nil {
		parts = append(parts, fmt.Sprintf("%.1f tok/s", *sum.AnswerRate))
	}
	if sum.Tokens > 0 {
		parts = append(parts, fmt.Sprintf("%.1f steps/tok (max %d)", sum.StepsPerToken, t.most))
	}
	line := strings.Join(append(parts, cli.Size(sum.KVBytes)+" KV"), ", ")
	switch out.Finish {
	case decode.FinishLength:
		line += "; --max-tokens reached"
	case decode.FinishContext:
		line += fmt.Sprintf("; the context of %d positions is full", c.x.session.Context())
		if !c.o.Shift {
			line += ": /clear begins anew, --context-shift drops the oldest questions"
		}
	case "interrupted":
		line += "; interrupted"
	}
	c.s.Note("%s", line)
	return err
}

// errStopped says that Ctrl-C ended a part of the chat.
var errStopped = errors.New("interrupted")

// interruptible does what Ctrl-C may end where a person can go on: then the error is errStopped. A second Ctrl-C before it has
// ended ends the chat.
func (c *chatting) interruptible(ctx context.Context, do func(context.Context) error) error {
	if !cli.IsTerminal(c.s.In) {
		return do(ctx)
	}
	turn, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	c.s.OnInterrupt(func() bool {
		first := turn.Err() == nil
		stop(errStopped)
		return first
	})
	defer c.s.OnInterrupt(nil)
	err := do(turn)
	if err != nil && ctx.Err() == nil && turn.Err() != nil {
		return errStopped
	}
	return err
}

// kvBytes is the memory of the KV cache's pages that the conversation takes.
func (c *chatting) kvBytes() uint64 {
	size := c.x.Size
	plan, err := engine.PlanMemory(c.x.Config, c.x.Device().Caps(), weights.DeviceFormats(c.x.Weights, c.x.Config, c.x.Source.Stored), size)
	if err != nil {
		return 0 // it is loaded: it could be planned
	}
	var all uint64
	for _, l := range plan.Lines {
		if l.Group == weights.MemoryKV {
			all += l.Bytes
		}
	}
	return all * uint64(shaders.PagesOf(c.x.session.Pos(0))) / uint64(shaders.PagesOf(size.Context))
}

// fits refuses a session that the device has no memory for beside the weights.
func (c *chatting) fits(size engine.SessionOptions) error {
	planned := model.Options{Weights: c.x.Weights, Session: size, Fit: model.Fit{Off: c.o.NoFit || !c.o.fit, FixContext: true, FixLookup: true, FixKV: true}}
	_, err := planned.Choose(c.ck, fit.WithHost(c.x.Device().Caps()))
	return err
}

// resize gives the session room for a plan; what it held runs again.
func (c *chatting) resize(p plan) error {
	was, size := c.x.Size, c.x.Size
	size.MaxSteps, size.Outputs, size.Compares = max(was.MaxSteps, p.session.MaxSteps), max(was.Outputs, p.session.Outputs), max(was.Compares, p.session.Compares)
	size.Exits, size.Readouts = was.Exits || p.session.Exits, was.Readouts || p.session.Readouts
	if size.MaxSteps == was.MaxSteps && size.Outputs == was.Outputs && size.Compares == was.Compares && size.Exits == was.Exits && size.Readouts == was.Readouts {
		return nil
	}
	if err := c.fits(size); err != nil {
		return err
	}
	c.x.session.Close()
	c.cache = chat.Cache{}
	session, err := c.x.NewSession(size)
	if err == nil {
		c.x.session, c.x.Size = session, size
		return nil
	}
	again, fatal := c.x.NewSession(was)
	if fatal != nil {
		return errors.Join(err, fatal)
	}
	c.x.session = again
	return err
}
