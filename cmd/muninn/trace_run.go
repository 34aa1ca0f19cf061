package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/trace"
)

// notRepeated are flags that change nothing in a trace's numbers, or stand in the prompt's ids.
var notRepeated = []string{"output", "theme", "file", "chat", "system", "parse-special", "quiet", "color", "fit", "plan", "plan-for", "no-cache"}

// settings says how a trace is made, with a command line that makes it again: every flag that was given, and what the model, the
// device and the draw of a seed chose.
func (o *traceOptions) settings(ctx context.Context, s *cli.Streams, x *opened, p plan) (trace.Run, error) {
	program, err := thisBuild()
	if err != nil {
		return trace.Run{}, err
	}
	r := trace.Run{Program: program.name(), Weights: x.Weights.String(), KV: p.session.KV.String(), Lookup: p.session.Lookup.String(), Seed: p.state.Seed}
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
