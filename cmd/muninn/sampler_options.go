package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
)

// The strategies by name.
const (
	plainSampler       = "plain"
	speculativeSampler = "speculative"
	waveSampler        = "wave"
)

// noCriterion stands for a fixed depth.
const noCriterion = "none"

// samplerOptions say how a text is decoded: by which strategy, and what ends the core steps of a token.
type samplerOptions struct {
	Sampler string

	Criterion     string
	ExitThreshold string // auto or a number
	MinSteps      int
	Every         int
	NotInPrefill  bool

	ContinuousCompute bool
	Noise             float64
	NoiseType         string

	speculative decode.Speculative
	wave        decode.Wave
	freeze      string

	given func(flag string) bool // whether the user gave a flag, on the command line or in the environment
}

// samplerFlags are the flags that only some strategies understand.
var samplerFlags = []struct {
	name     string
	samplers []string
}{
	{"criterion", []string{plainSampler}}, {"min-steps", []string{plainSampler}}, {"check-criterion-every-n-steps", []string{plainSampler}},
	{"do-not-exit-in-prefill", []string{plainSampler}}, {"exit-threshold", []string{plainSampler, waveSampler}},
	{"continuous-compute", []string{plainSampler, waveSampler}},
	{"draft-steps", []string{speculativeSampler}}, {"lookahead", []string{speculativeSampler}},
	{"verification-threshold", []string{speculativeSampler}},
	{"inner-recurrence", []string{waveSampler}}, {"headway", []string{waveSampler}}, {"freeze-strategy", []string{waveSampler}},
	{"ema-embeds", []string{waveSampler}}, {"state-noise-mixing", []string{waveSampler}}, {"max-wavefront", []string{waveSampler}},
	{"full-prefill", []string{waveSampler}},
}

// exitFlags say nothing without a criterion.
var exitFlags = []string{"exit-threshold", "min-steps", "check-criterion-every-n-steps", "do-not-exit-in-prefill"}

// AddFlags declares the flags. Those of the exit are for every verb that decodes; the others for those that take any strategy.
func (o *samplerOptions) AddFlags(fs *pflag.FlagSet, anySampler bool) {
	o.Sampler, o.speculative, o.wave = plainSampler, decode.DefaultSpeculative, decode.PaperWave
	o.given = fs.Changed
	if anySampler {
		cli.ChoiceVar(fs, &o.Sampler, "sampler", plainSampler, []string{plainSampler, speculativeSampler, waveSampler},
			"token by token; or drafts of few core steps, verified all at once; or a wave of positions in flight, with the paper's settings")
	}
	thresholds, names := []string{}, []string{noCriterion}
	for _, c := range decode.Criteria {
		names = append(names, string(c.Name))
		thresholds = append(thresholds, fmt.Sprintf("%s %g", c.Name, c.Auto))
	}
	cli.ChoiceVar(fs, &o.Criterion, "criterion", noCriterion, names, "end the core steps of a token when it has settled by this measure; none: all --num-steps")
	threshold := "threshold of --criterion, a number or auto: " + strings.Join(thresholds, ", ")
	if anySampler {
		threshold += fmt.Sprintf("; of a wave, the change below which a position may freeze (the reference's exit_t; auto: %g)", decode.PaperWave.ExitThreshold)
	}
	fs.StringVar(&o.ExitThreshold, "exit-threshold", "auto", threshold)
	fs.IntVar(&o.MinSteps, "min-steps", 0, "core steps of a token before its --criterion is looked at")
	fs.IntVar(&o.Every, "check-criterion-every-n-steps", 1, "look at the --criterion after so many core steps, not after each")
	fs.BoolVar(&o.NotInPrefill, "do-not-exit-in-prefill", false, "take all core steps in the prompt's pass; else it ends as a whole, by the mean of its positions or by its last one")
	fs.BoolVar(&o.ContinuousCompute, "continuous-compute", false, "start each token from the final state of the one before")
	fs.Float64Var(&o.Noise, "test-time-noise", 0, "`share` of fresh noise mixed into the state before each core step")
	var types []string
	for _, t := range decode.NoiseTypes {
		types = append(types, string(t))
	}
	cli.ChoiceVar(fs, &o.NoiseType, "test-time-noise-type", string(decode.NoiseFixed), types, "how the noise falls with the core steps")
	if !anySampler {
		return
	}
	d, w := &o.speculative, &o.wave
	fs.IntVar(&d.DraftSteps, "draft-steps", d.DraftSteps, "speculative: core steps of a draft")
	fs.IntVar(&d.Lookahead, "lookahead", d.Lookahead, "speculative: tokens drafted in a round")
	fs.Float64Var(&d.Threshold, "verification-threshold", d.Threshold,
		"speculative: `share` of the largest probability that a draft must have; 1: be the token that plain decoding takes, so that the text is the same")
	fs.IntVar(&w.InnerRecurrence, "inner-recurrence", w.InnerRecurrence, "wave: core steps between two guesses of all tokens in flight")
	fs.IntVar(&w.Headway, "headway", w.Headway, "wave: positions that join at a time")
	var rules []string
	for _, f := range decode.Freezes {
		rules = append(rules, string(f))
	}
	cli.ChoiceVar(fs, &o.freeze, "freeze-strategy", string(w.Freeze), rules, "wave: which tokens have settled")
	fs.Float64Var(&w.EMA, "ema-embeds", w.EMA, "wave: `share` of a position's embedding that stays when its token changes")
	fs.Float64Var(&w.StateNoiseMixing, "state-noise-mixing", w.StateNoiseMixing, "wave: `share` of a fresh state mixed in between guesses, less with every core step")
	fs.IntVar(&w.MaxWavefront, "max-wavefront", w.MaxWavefront, "wave: positions in flight at most; 0: as many as the context has")
	fs.BoolVar(&w.FullPrefill, "full-prefill", w.FullPrefill, "wave: run the prompt at --num-steps first; false: it flies along")
}

// strategy is what the flags make. An effort fills in what they leave open; nil: none.
func (o *samplerOptions) sampler(e *effort) (decode.Strategy, error) {
	s := decode.Strategy{Noise: decode.StateNoise{Weight: o.Noise, Type: decode.NoiseType(o.NoiseType)}, ContinuousCompute: o.ContinuousCompute}
	for _, f := range samplerFlags {
		if o.given(f.name) && !slices.Contains(f.samplers, o.Sampler) {
			return s, cli.Usage("--%s has no meaning for --sampler %s; it is for %s", f.name, o.Sampler, strings.Join(f.samplers, " and "))
		}
	}
	if o.given("test-time-noise-type") && o.Noise == 0 {
		return s, cli.Usage("--test-time-noise-type has no meaning without --test-time-noise")
	}
	var err error
	switch o.Sampler {
	case speculativeSampler:
		s.Speculative = &o.speculative
	case waveSampler:
		s.Wave = &o.wave
		o.wave.Freeze = decode.Freeze(o.freeze)
		o.wave.ExitThreshold, err = o.waveThreshold()
	default:
		s.Exit, err = o.exit(e)
	}
	if err == nil {
		err = s.Validate()
	}
	if errors.Is(err, decode.ErrStrategy) || errors.Is(err, decode.ErrExit) || errors.Is(err, decode.ErrNoise) {
		err = cli.Usage("%s", strings.TrimPrefix(err.Error(), "model: "))
	}
	return s, err
}

// exit is the adaptive exit of plain decoding; nil: none.
func (o *samplerOptions) exit(e *effort) (*decode.Exit, error) {
	criterion, threshold := o.Criterion, o.ExitThreshold
	if e != nil && e.criterion != "" && !o.given("criterion") {
		criterion = string(e.criterion)
		if e.threshold != "" && !o.given("exit-threshold") {
			threshold = e.threshold
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
	exit.MinSteps, exit.Every, exit.Prefill = o.MinSteps, o.Every, !o.NotInPrefill
	return &exit, err
}

// waveThreshold is the threshold of the latent freeze rules.
func (o *samplerOptions) waveThreshold() (float64, error) {
	latent := o.freeze == string(decode.FreezeLatentDiff) || o.freeze == string(decode.FreezeAcceleration)
	switch {
	case o.ExitThreshold == "auto":
		return decode.PaperWave.ExitThreshold, nil
	case !latent:
		return 0, cli.Usage("--exit-threshold has no meaning for --freeze-strategy %s, which does not measure states", o.freeze)
	}
	exit, err := decode.ParseExit(string(decode.LatentDiff), o.ExitThreshold)
	return exit.Threshold, err
}
