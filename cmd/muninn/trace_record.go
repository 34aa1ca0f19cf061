package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/store"
	"muninn/model/trace"
)

// record decodes the prompt and makes the trace.
func (o *traceOptions) record(ctx context.Context, s *cli.Streams, x *opened, p plan) (*trace.Trace, error) {
	about := trace.Trace{Model: store.Name(o.Model), Device: describe(x.Device().Caps()), Criterion: noCriterion, MaxSteps: p.request.Steps}
	var err error
	if about.Run, err = o.settings(ctx, s, x, p); err != nil {
		return nil, err
	}
	if exit := p.request.Strategy.Exit; exit != nil {
		about.Criterion, about.Threshold = string(exit.Criterion), exit.Limit()
	}
	options := trace.Options{Width: x.Config.NEmbd, Components: o.Components}
	if x.Tokenizer != nil {
		options.Text = x.Tokenizer.Bytes
		for _, id := range p.request.Prompt {
			about.Prompt += string(x.Tokenizer.Bytes(id))
		}
	}
	b, err := trace.NewBuilder(about, options)
	if err != nil {
		return nil, err
	}
	start, job := time.Now(), o.job
	job.Request, job.State, job.Tokenizer, job.At = p.request, p.state, x.Tokenizer, o.Token
	if !o.ContinuousCompute {
		job.Starts = o.Starts
	}
	chunks := (len(p.request.Prompt) + x.session.Rows() - 1) / x.session.Rows()
	bar := cli.NewProgress(s, "recording core steps, at most", int64(p.request.Steps*(chunks+o.MaxTokens-1+o.Starts)), false)
	job.Step = func() { bar.Add(1) }
	x.reading.Done()
	defer bar.Done()
	out, err := b.Record(x.session.Engine(ctx).(trace.Engine), 0, job)
	if errors.Is(err, trace.ErrEnded) {
		return nil, cli.Usage("--token %d: %v", o.Token, err)
	}
	if err != nil {
		return nil, err
	}
	t, err := b.Build()
	if err != nil {
		return nil, err
	}
	bar.Done()
	s.Note("trace: %d tokens of prompt and %d of answer (%s), %.1f s", len(p.request.Prompt), out.Emitted, out.Finish, time.Since(start).Seconds())
	return t, nil
}

var errTraceFile = errors.New("cannot write the trace")

func traceFileError(name string, err error) error {
	return fmt.Errorf("%w to %s: %w", errTraceFile, name, checkpoint.WriteCause(name, err))
}

// notRepeated are flags that change nothing in a trace's numbers, or stand in the prompt's ids.
var notRepeated = []string{"output", "theme", "file", "chat", "system", "parse-special", "quiet", "color", "fit", "plan", "plan-for", "no-cache", "no-self-test"}

// settings says how a trace is made, with a command line that makes it again: every flag that was given, and what the model, the
// device and the draw of a seed chose.
func (o *traceOptions) settings(ctx context.Context, s *cli.Streams, x *opened, p plan) (trace.Run, error) {
	var err error
	r := trace.Run{Program: thisBuild().name(), Weights: x.Weights.String(), KV: p.session.KV.String(), Lookup: p.session.Lookup.String(), Seed: p.state.Seed}
	if r.ModelKey, err = x.SourceKey(ctx); err != nil {
		return r, err
	}
	quant, keep, _ := strings.Cut(r.Weights, ", keep ")
	chosen := map[string]string{
		"num-steps": fmt.Sprint(p.request.Steps), "prompt-ids": strings.Trim(strings.Join(strings.Fields(fmt.Sprint(p.request.Prompt)), ","), "[]"),
		"quant": quant, "keep": keep, "kv-type": r.KV, "cache-lookup-strategy": r.Lookup, "ctx": fmt.Sprint(p.session.Context),
		"max-tokens": fmt.Sprint(o.MaxTokens), "starts": fmt.Sprint(o.Starts), "components": fmt.Sprint(o.Components),
	}
	filters(chosen, p.request.Pick)
	r.Args = []string{"trace", o.Model}
	o.flags.VisitAll(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if value, ok := chosen[f.Name]; ok {
			values = []string{value}
		} else if !f.Changed || slices.Contains(notRepeated, f.Name) {
			return
		}
		for _, v := range values {
			if v != "" {
				r.Args = append(r.Args, "--"+f.Name+"="+v)
			}
		}
	})
	return r, nil
}

// filters puts down how tokens are picked. A flag that is left out would be the model's own.
func filters(chosen map[string]string, pick decode.Filters) {
	for name, v := range map[string]any{"greedy": pick.Greedy, "temp": pick.Temperature, "top-k": pick.TopK, "top-p": pick.TopP, "min-p": pick.MinP} {
		if pick.Greedy == (name == "greedy") {
			chosen[name] = fmt.Sprint(v)
		}
	}
	chosen["repetition-penalty"], chosen["seed"] = fmt.Sprint(pick.RepetitionPenalty), fmt.Sprint(pick.Seed)
	if pick.Temperature == 0 {
		delete(chosen, "temp") // as a flag that is greedy, in a model's own settings it is off
	}
}
