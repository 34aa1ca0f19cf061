package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/arch"
	"muninn/model/decode"
)

// noCriterion stands for a fixed depth.
const noCriterion = "none"

// strategyOptions say how a text is decoded: by which strategy, and what ends the core steps of a token.
type strategyOptions struct {
	Decode string

	Criterion     string
	ExitThreshold string // auto or a number
	MinSteps      int
	Every         int
	Delay         int
	NotInPrefill  bool

	Readout string
	Deeper  bool

	ContinuousCompute bool
	noise             decode.StateNoise

	speculative decode.Speculative
	wave        decode.Wave

	given func(flag string) bool // whether the user gave a flag, on the command line or in the environment
}

// strategyFlags are the flags that only some strategies understand.
var strategyFlags = []struct {
	name       string
	strategies []string
}{
	{"criterion", []string{decode.PlainDecoding}}, {"min-steps", []string{decode.PlainDecoding}}, {"check-criterion-every-n-steps", []string{decode.PlainDecoding}},
	{"do-not-exit-in-prefill", []string{decode.PlainDecoding}}, {"exit-delay", []string{decode.PlainDecoding}}, {"readout", []string{decode.PlainDecoding}}, {"exit-threshold", []string{decode.PlainDecoding, decode.WaveDecoding}},
	{"continuous-compute", []string{decode.PlainDecoding, decode.WaveDecoding}},
	{"draft-steps", []string{decode.SpeculativeDecoding}}, {"lookahead", []string{decode.SpeculativeDecoding}},
	{"verification-threshold", []string{decode.SpeculativeDecoding}},
	{"inner-recurrence", []string{decode.WaveDecoding}}, {"headway", []string{decode.WaveDecoding}}, {"freeze-strategy", []string{decode.WaveDecoding}},
	{"ema-embeds", []string{decode.WaveDecoding}}, {"state-noise-mixing", []string{decode.WaveDecoding}}, {"max-wavefront", []string{decode.WaveDecoding}},
	{"full-prefill", []string{decode.WaveDecoding}},
}

// exitFlags say nothing without a criterion.
var exitFlags = []string{"exit-threshold", "min-steps", "check-criterion-every-n-steps", "do-not-exit-in-prefill", "exit-delay"}

// addFlags declares the flags. Those of the exit are for every verb that decodes; the others for those that take any strategy.
func (o *strategyOptions) addFlags(fs *pflag.FlagSet, anyStrategy bool) {
	o.Decode, o.speculative, o.wave = decode.PlainDecoding, decode.DefaultSpeculative, decode.PaperWave
	o.given = fs.Changed
	cli.Group(fs, "Depth", func() { o.depthFlags(fs, anyStrategy) })
	if anyStrategy {
		cli.Group(fs, "Drafting (--decode speculative)", func() { o.draftFlags(fs) })
		cli.Group(fs, "Wave (--decode wave)", func() { o.waveFlags(fs) })
	}
}

func (o *strategyOptions) depthFlags(fs *pflag.FlagSet, anyStrategy bool) {
	if anyStrategy {
		cli.ChoiceVar(fs, &o.Decode, "decode", decode.PlainDecoding, decode.Strategies,
			"token by token; or drafts of few core steps, verified all at once; or a wave of positions in flight, with the paper's settings")
	}
	names := cli.Each(decode.Criteria, func(c decode.CriterionInfo) string { return string(c.Name) })
	thresholds := cli.Each(decode.Criteria, func(c decode.CriterionInfo) string { return fmt.Sprintf("%s %g", c.Name, c.Auto) })
	cli.ChoiceVar(fs, &o.Criterion, "criterion", noCriterion, append([]string{noCriterion}, names...), "end the core steps of a token when it has settled by this measure, or, with gate, when Ouro's exit gate lets it go; none: all --num-steps")
	threshold := "threshold of --criterion, a number or auto: " + strings.Join(thresholds, ", ")
	if anyStrategy {
		threshold += fmt.Sprintf("; of a wave, the change below which a position may freeze (the reference's exit_t; auto: %g)", decode.PaperWave.ExitThreshold)
	}
	cli.AutoFloatVar(fs, &o.ExitThreshold, "exit-threshold", threshold)
	fs.IntVar(&o.MinSteps, "min-steps", 0, "core steps of a token before its --criterion is looked at")
	fs.IntVar(&o.Every, "check-criterion-every-n-steps", 1, "look at the --criterion after so many core steps, not after each")
	fs.IntVar(&o.Delay, "exit-delay", 0, "core steps that a token still takes once its --criterion is met")
	fs.StringVar(&o.Readout, "readout", "last", "which core `step` tokens are picked from, of models with nothing but a head behind the core (Ouro, HRM-Text, Nanbeige): last, at:N, "+
		"or weighted, the sum of all by Ouro's exit gate; all steps are taken")
	fs.BoolVar(&o.Deeper, "deeper", false, "allow more core steps than a model of fixed depth (Ouro, HRM-Text, Nanbeige) was trained for: its answers get worse")
	fs.BoolVar(&o.NotInPrefill, "do-not-exit-in-prefill", false, "take all core steps in the prompt's pass; else it ends as a whole, by the mean of its positions or by its last one; "+
		"with gate all are taken unless this is false: then each position leaves by itself, one after the other")
	fs.BoolVar(&o.ContinuousCompute, "continuous-compute", false, "start each token from the final state of the one before")
	cli.FloatVar(fs, &o.noise.Weight, "test-time-noise", 0, "`share` of fresh noise mixed into the state before each core step")
	cli.ChoiceVar(fs, &o.noise.Type, "test-time-noise-type", decode.NoiseFixed, decode.NoiseTypes, "how the noise falls with the core steps")
	cli.Advanced(fs, "min-steps", "check-criterion-every-n-steps", "do-not-exit-in-prefill", "exit-delay", "readout", "deeper", "continuous-compute", "test-time-noise", "test-time-noise-type")
}

func (o *strategyOptions) draftFlags(fs *pflag.FlagSet) {
	d := &o.speculative
	fs.IntVar(&d.DraftSteps, "draft-steps", d.DraftSteps, "core steps of a draft")
	fs.IntVar(&d.Lookahead, "lookahead", d.Lookahead, "tokens drafted at a time")
	cli.FloatVar(fs, &d.Threshold, "verification-threshold", d.Threshold,
		"`share` of the largest probability that a draft must have; 1: be the token that plain decoding takes, so that the text is the same")
}

func (o *strategyOptions) waveFlags(fs *pflag.FlagSet) {
	w := &o.wave
	fs.IntVar(&w.InnerRecurrence, "inner-recurrence", w.InnerRecurrence, "core steps between two guesses of all tokens in flight")
	fs.IntVar(&w.Headway, "headway", w.Headway, "positions that join at a time")
	cli.ChoiceVar(fs, &w.Freeze, "freeze-strategy", w.Freeze, decode.Freezes[:], "which tokens have settled")
	cli.FloatVar(fs, &w.EMA, "ema-embeds", w.EMA, "`share` of a position's embedding that stays when its token changes")
	cli.FloatVar(fs, &w.StateNoiseMixing, "state-noise-mixing", w.StateNoiseMixing, "`share` of a fresh state mixed in between guesses, less with every core step")
	fs.IntVar(&w.MaxWavefront, "max-wavefront", w.MaxWavefront, "positions in flight at most; 0: as many as the context has")
	fs.BoolVar(&w.FullPrefill, "full-prefill", w.FullPrefill, "run the prompt at --num-steps first; false: it flies along")
	cli.Advanced(fs, "inner-recurrence", "headway", "ema-embeds", "state-noise-mixing", "full-prefill")
}

// strategy is what the flags make. An effort fills in what they leave open; nil: none.
func (o *strategyOptions) strategy(c arch.Config, steps int, e *decode.Effort) (decode.Strategy, error) {
	s := decode.Strategy{Noise: o.noise, ContinuousCompute: o.ContinuousCompute}
	for _, f := range strategyFlags {
		if o.given(f.name) && !slices.Contains(f.strategies, o.Decode) {
			return s, cli.Usage("--%s has no meaning for --decode %s; it is for %s", f.name, o.Decode, strings.Join(f.strategies, " and "))
		}
	}
	if o.given("test-time-noise-type") && o.noise.Weight == 0 {
		return s, cli.Usage("--test-time-noise-type has no meaning without --test-time-noise")
	}
	var err error
	if s.Readout, err = decode.ParseReadout(o.Readout); err != nil {
		return s, cli.Usage("--readout: %v", err)
	}
	if s.Readout.Step > steps {
		return s, cli.Usage("--readout %s: each token takes %d core steps (--num-steps)", o.Readout, steps)
	}
	if c.ExitStep > 0 && o.Decode == decode.PlainDecoding && !o.given("readout") && !o.given("criterion") && e == nil { // as config.json has it
		s.Readout = decode.Readout{Kind: decode.ReadAt, Step: c.ExitStep}
	}
	switch o.Decode {
	case decode.SpeculativeDecoding:
		s.Speculative = &o.speculative
		if !o.given("draft-steps") {
			o.speculative = o.speculative.Within(steps)
		}
	case decode.WaveDecoding:
		s.Wave = &o.wave
		o.wave.ExitThreshold, err = o.waveThreshold()
	default:
		s.Exit, err = o.exit(c, e)
	}
	if err == nil {
		err = s.Validate()
	}
	if err == nil {
		err = s.FitsModel(c)
	}
	if most := c.MostSteps(); err == nil && most > 0 && steps > most && !o.Deeper {
		err = cli.Usage("%d core steps: this %s model was trained for %d and gets worse beyond; --deeper allows more", steps, c.FamilyName(), most)
	}
	if errors.Is(err, decode.ErrStrategy) || errors.Is(err, decode.ErrExit) || errors.Is(err, decode.ErrNoise) {
		err = cli.AsUsage(err)
	}
	return s, err
}

// exit is the adaptive exit of plain decoding; nil: none.
func (o *strategyOptions) exit(c arch.Config, e *decode.Effort) (*decode.Exit, error) {
	criterion, threshold := o.Criterion, o.ExitThreshold
	if own := c.ExitThreshold; own > 0 && e == nil && !o.given("criterion") && c.ExitStep == 0 && !o.given("readout") { // as config.json has it
		criterion = string(decode.Gate)
		if !o.given("exit-threshold") {
			threshold = strconv.FormatFloat(own, 'g', -1, 64)
		}
	}
	if e != nil && !o.given("criterion") {
		if own, limit := e.Exit(c); own != "" {
			criterion = string(own)
			if limit != "" && !o.given("exit-threshold") {
				threshold = limit
			}
		}
	}
	if criterion == noCriterion {
		for _, name := range exitFlags {
			if o.given(name) {
				return nil, cli.Usage("--%s has no meaning without a --criterion", name)
			}
		}
		return nil, nil
	}
	if o.Every < 1 {
		return nil, cli.Usage("--check-criterion-every-n-steps %d: want 1 or more", o.Every)
	}
	exit, err := decode.ParseExit(criterion, threshold)
	exit.MinSteps, exit.Every, exit.Delay, exit.Prefill = o.MinSteps, o.Every, o.Delay, !o.NotInPrefill
	if exit.Criterion == decode.Gate { // a prompt leaves row by row: it is read whole unless that is asked for
		exit.Prefill = o.given("do-not-exit-in-prefill") && !o.NotInPrefill
	}
	if err == nil && exit.Off() {
		return nil, nil
	}
	return &exit, err
}

// waveThreshold is the threshold of the latent freeze rules.
func (o *strategyOptions) waveThreshold() (float64, error) {
	latent := o.wave.Freeze == decode.FreezeLatentDiff || o.wave.Freeze == decode.FreezeAcceleration
	switch {
	case o.ExitThreshold == "auto":
		return decode.PaperWave.ExitThreshold, nil
	case !latent:
		return 0, cli.Usage("--exit-threshold has no meaning for --freeze-strategy %s, which does not measure states", o.wave.Freeze)
	}
	exit, err := decode.ParseExit(string(decode.LatentDiff), o.ExitThreshold)
	return exit.Threshold, err
}
