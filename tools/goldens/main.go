// Goldens compares an engine with golden data: what the reference implementation computes on small models.
//
//	go run ./tools/goldens --dir testdata/goldens
//
// The folder holds models/ and, for each topic, NAME.json with NAME.safetensors beside it; testdata/goldens/README.md
// describes the layout. Every case is run on every checkpoint its file names and gets one line: topic, checkpoint,
// case, largest absolute error, limit, verdict. A case that cannot be run has failed; left out are cases of what engines
// lack on purpose, skipped only those that --case or --model excludes. The exit status is 1 if any case failed.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"muninn/model/checkpoint"
)

type options struct {
	dir, engine, device string
	quant, keep         string
	topics              []string
	model, caseName     string
	limits              string
	json                bool
}

func main() {
	var o options
	flags := pflag.NewFlagSet("goldens", pflag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "testdata/goldens", "folder of golden data")
	flags.StringVar(&o.engine, "engine", engines[0].name, "what to compare: "+engineNames())
	flags.StringVar(&o.device, "device", "", "device by index, type or part of its name")
	flags.StringVar(&o.quant, "quant", "auto", "format of the weights on the device; E4 keeps its values in q4_0, E8 in q8_0, with --keep embed=...,adapter=... too")
	flags.StringVar(&o.keep, "keep", "", "parts with a format of their own, as for muninn run")
	flags.StringSliceVar(&o.topics, "topic", nil, "topics, by default all of "+topicNames()+" that the folder has")
	flags.StringVar(&o.model, "model", "", "only checkpoints whose name begins so")
	flags.StringVar(&o.caseName, "case", "", "only cases of this name")
	flags.StringVar(&o.limits, "limits", float32Limits, "what holds the engine: "+float32Limits+", or "+eightBitLimits+" for --quant q8_0 of models that it does not hold exactly (forward and decode: logits only)")
	flags.BoolVar(&o.json, "json", false, "one JSON document instead of lines")
	if err := flags.Parse(os.Args[1:]); errors.Is(err, pflag.ErrHelp) {
		return
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "goldens: unexpected argument %q; the folder is given by --dir\n", flags.Arg(0))
		os.Exit(2)
	}
	s, err := run(o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if s.Failed > 0 {
		os.Exit(1)
	}
}

// summary is everything that a run found; with --json it is printed as it is.
type summary struct {
	Dir     string   `json:"dir"`
	Engine  string   `json:"engine"`
	Results []result `json:"results"`
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	LeftOut int      `json:"left_out"`
	Skipped int      `json:"skipped"`
}

// run runs the cases that o asks for and prints them to w. An error means that the question makes no sense; whatever is
// wrong with a case is a result.
func run(o options, w io.Writer) (summary, error) {
	s := summary{Dir: o.dir, Engine: o.engine, Results: []result{}}
	if err := o.checkLimits(); err != nil {
		return s, err
	}
	list, err := chooseTopics(o.dir, o.topics)
	if err != nil {
		return s, err
	}
	weights, err := checkpoint.ParseScheme(o.quant, o.keep)
	if err != nil {
		return s, err
	}
	e, err := openEngine(o.engine, o.device, weights)
	if err != nil {
		return s, err
	}
	defer e.close()
	for _, t := range list {
		err := runTopic(o, e, t, func(r result) {
			s.add(r)
			if !o.json {
				fmt.Fprintln(w, r)
			}
		}, func(cases int) { s.Skipped += cases })
		if err != nil {
			return s, err
		}
	}
	if len(s.Results) == 0 {
		return s, fmt.Errorf("goldens: no case %q under %s in topics %s", o.caseName, o.dir, joinTopics(list))
	}
	if o.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return s, enc.Encode(s)
	}
	_, err = fmt.Fprintf(w, "%d passed, %d failed, %d left out, %d skipped\n", s.Passed, s.Failed, s.LeftOut, s.Skipped)
	return s, err
}

func (s *summary) add(r result) {
	s.Results = append(s.Results, r)
	switch r.Verdict {
	case pass:
		s.Passed++
	case leftOut:
		s.LeftOut++
	default:
		s.Failed++
	}
}

func joinTopics(list []topic) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.name
	}
	return strings.Join(names, ", ")
}
