// Goldens compares an engine with golden data: what the reference implementation computes on small models.
//
//	go run ./tools/goldens --dir testdata/goldens
//
// The folder holds models/ and, for each topic, NAME.json with NAME.safetensors beside it; testdata/goldens/README.md
// describes the layout. Topics of texts and of config.json have no arrays: tokenizers/NAME/
// has a tokenizer.json with its cases.json. Every case is run on every checkpoint its file names and gets one line: topic, checkpoint,
// case, largest absolute error, limit, verdict. A case that cannot be run has failed; left out are cases of what engines
// lack on purpose and folders that are no topic, skipped only those that --case or --model excludes. The exit status is 1 if any case failed.
package main

import (
	"encoding/json"
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
	flags := pflag.NewFlagSet("goldens", pflag.ExitOnError)
	flags.StringVar(&o.dir, "dir", "testdata/goldens", "folder of golden data")
	flags.StringVar(&o.engine, "engine", "device", "what to compare: "+engineNames())
	flags.StringVar(&o.device, "device", "", "device by index, type or part of its name")
	flags.StringVar(&o.quant, "quant", "auto", "format of the weights on the device; E4 keeps its values in q4_0, E8 in q8_0, with --keep embed=...,adapter=... too")
	flags.StringVar(&o.keep, "keep", "", "parts with a format of their own, as for muninn run")
	flags.StringSliceVar(&o.topics, "topic", nil, "topics, by default all of "+topicNames()+" that the folder has")
	flags.StringVar(&o.model, "model", "", "only checkpoints whose name begins so")
	flags.StringVar(&o.caseName, "case", "", "only cases of these names, separated by commas")
	flags.StringVar(&o.limits, "limits", float32Limits, "what holds the engine: "+float32Limits+", or "+eightBitLimits+" for --quant q8_0 of models that it does not hold exactly (forward and decode: logits only)")
	flags.BoolVar(&o.json, "json", false, "one JSON document instead of lines")
	flags.Parse(os.Args[1:])
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

// goldenRun is a run under way.
type goldenRun struct {
	options
	summary
	engine runner
	out    io.Writer
}

// run runs the cases that o asks for and prints them to w. An error means that the question makes no sense; whatever is
// wrong with a case is a result.
func run(o options, w io.Writer) (summary, error) {
	r := goldenRun{options: o, out: w, summary: summary{Dir: o.dir, Engine: o.engine, Results: []result{}}}
	err := r.run()
	return r.summary, err
}

func (r *goldenRun) run() error {
	if err := r.checkLimits(); err != nil {
		return err
	}
	list, err := chooseTopics(r.dir, r.topics)
	if err != nil {
		return err
	}
	weights, err := checkpoint.ParseScheme(r.quant, r.keep)
	if err != nil {
		return err
	}
	if r.engine, err = openEngine(r.options.engine, r.device, weights); err != nil {
		return err
	}
	defer r.engine.close()
	for _, t := range list {
		if err := r.topic(t); err != nil {
			return err
		}
	}
	if len(r.Results) == 0 {
		return fmt.Errorf("goldens: no case %q under %s in topics %s", r.caseName, r.dir, joinTopics(list))
	}
	if len(r.topics) == 0 {
		for _, name := range unknownTopics(r.dir) {
			r.add(result{Topic: name, Model: "*", Case: "*", Verdict: leftOut, Detail: "no topic of this version"})
		}
	}
	if r.json {
		enc := json.NewEncoder(r.out)
		enc.SetIndent("", " ")
		return enc.Encode(r.summary)
	}
	_, err = fmt.Fprintf(r.out, "%d passed, %d failed, %d left out, %d skipped\n", r.Passed, r.Failed, r.LeftOut, r.Skipped)
	return err
}

// add counts a result and prints it.
func (r *goldenRun) add(one result) {
	r.Results = append(r.Results, one)
	switch one.Verdict {
	case pass:
		r.Passed++
	case leftOut:
		r.LeftOut++
	default:
		r.Failed++
	}
	if !r.json {
		fmt.Fprintln(r.out, one)
	}
}

func joinTopics(list []topic) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = t.name
	}
	return strings.Join(names, ", ")
}
