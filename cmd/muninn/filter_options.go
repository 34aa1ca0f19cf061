package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/decode"
)

// filterOptions say how tokens are picked.
type filterOptions struct {
	Greedy            bool
	Temperature       float64
	TopK              int
	TopP              float64
	MinP              float64
	RepetitionPenalty float64
	FrequencyPenalty  float64
	PresencePenalty   float64
	Bias              map[int32]float32
	Seed              seed

	chosen func(flag string) bool // whether the user gave a flag; what is left open is the model's own
}

func (o *filterOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.Greedy, "greedy", false, "take the likeliest token, whatever the other flags and the model say")
	cli.FloatVar(fs, &o.Temperature, "temp", 0, "sample, with this temperature; 0 is --greedy")
	fs.IntVar(&o.TopK, "top-k", 0, "sample among the k likeliest tokens; 0 or -1: off")
	cli.FloatVar(fs, &o.TopP, "top-p", 0, "sample among the likeliest tokens within this total probability; 0 or 1: off")
	cli.FloatVar(fs, &o.MinP, "min-p", 0, "sample among tokens with at least this share of the likeliest one's probability; 0: off")
	cli.FloatVar(fs, &o.RepetitionPenalty, "repetition-penalty", 0, "penalty on tokens that occurred; 0 or 1: off")
	cli.FloatVar(fs, &o.FrequencyPenalty, "frequency-penalty", 0, "taken off the logit of a generated token for each time it occurred in the answer")
	cli.FloatVar(fs, &o.PresencePenalty, "presence-penalty", 0, "taken off the logit of a generated token once it occurred in the answer")
	cli.Var(fs, "logit-bias", "", "", "id=number", "added to the logit of a token, by its id; may be given several times", o.addBias)
	cli.Advanced(fs, "frequency-penalty", "presence-penalty", "logit-bias")
	for _, name := range []string{"temp", "top-k", "top-p", "min-p", "repetition-penalty"} {
		fs.Lookup(name).DefValue = "the model's"
	}
	seedVar(fs, &o.Seed, "0", "of draws and initial states")
	o.chosen = fs.Changed
}

// sampling is the model's own way of sampling with the flags laid over it.
func (o *filterOptions) filters(s *cli.Streams, g arch.Generation) (decode.Filters, error) {
	p := decode.Filters{Temperature: g.Temperature, TopK: g.TopK, TopP: g.TopP, MinP: g.MinP, RepetitionPenalty: g.RepetitionPenalty,
		DRYMultiplier: g.DRYMultiplier, DRYBase: g.DRYBase, DRYAllowedLength: g.DRYAllowedLength, Greedy: !g.DoSample}
	if o.TopK < -1 {
		return p, cli.Usage("--top-k %d: want a number from 1 on, or 0 or -1 for none", o.TopK)
	}
	if o.chosen("top-k") {
		p.TopK, p.Greedy = max(o.TopK, 0), false
	}
	valid := func() error {
		q := p
		q.DRYMultiplier = 0 // which depends on the penalty
		return q.Validate()
	}
	for _, f := range []struct {
		name  string
		flag  float64
		value *float64
		draws bool // giving the flag means to sample
	}{{"temp", o.Temperature, &p.Temperature, true}, {"top-p", o.TopP, &p.TopP, true}, {"min-p", o.MinP, &p.MinP, true},
		{"repetition-penalty", o.RepetitionPenalty, &p.RepetitionPenalty, false}} {
		if !o.chosen(f.name) {
			continue
		}
		sound := valid() == nil
		*f.value, p.Greedy = f.flag, p.Greedy && !f.draws
		if err := valid(); err != nil && sound {
			_, reason, _ := strings.Cut(err.Error(), "options: ")
			return p, cli.Usage("--%s: %s", f.name, reason)
		}
	}
	if o.Greedy || o.chosen("temp") && o.Temperature == 0 {
		p.Greedy = true
	}
	p.Seed = o.Seed.number(s)
	p.FrequencyPenalty, p.PresencePenalty, p.Bias = o.FrequencyPenalty, o.PresencePenalty, o.Bias
	if p.RepetitionPenalty == 0 || p.RepetitionPenalty == 1 {
		p.DRYMultiplier = 0 // without a penalty the reference does not look at DRY at all
	}
	if err := p.Validate(); err != nil {
		return p, cli.AsUsage(err)
	}
	return p, nil
}

// addBias takes a bias as --logit-bias spells it.
func (o *filterOptions) addBias(text string) error {
	token, bias, _ := strings.Cut(text, "=")
	id, err := strconv.ParseInt(token, 10, 32)
	by, biasErr := strconv.ParseFloat(bias, 32)
	if err != nil || id < 0 || biasErr != nil || math.IsNaN(by) || math.IsInf(by, 0) {
		return fmt.Errorf("want the id of a token and a number, as 42=-100")
	}
	if o.Bias == nil {
		o.Bias = map[int32]float32{}
	}
	o.Bias[int32(id)] = float32(by)
	return nil
}

// seed is a flag value: a number, or random for another one each time.
type seed string

func seedVar(fs *pflag.FlagSet, p *seed, value, text string) {
	*p = seed(value)
	cli.Var(fs, "seed", "", value, "number|random", text, func(text string) error {
		if _, err := strconv.ParseUint(text, 10, 64); err != nil && text != "random" {
			return fmt.Errorf("want a number from 0 to %d, or random", uint64(math.MaxUint64))
		}
		*p = seed(text)
		return nil
	})
}

// number is the seed; one drawn by chance is said, so that what depends on it can be had again.
func (d *seed) number(s *cli.Streams) uint64 {
	n, err := strconv.ParseUint(string(*d), 10, 64)
	if err != nil {
		n = rand.Uint64()
		s.Note("seed %d", n)
	}
	return n
}
