package serve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"muninn/model/arch"
	"muninn/model/decode"
)

// Depth is how deep the model is to think, where it is not as the server has it.
type Depth struct {
	Steps      *int   // num_steps
	Effort     string // of efforts; Steps wins
	Criterion  string // what ends the core steps of a token before
	Threshold  string // of the criterion: auto or a number
	MinSteps   *int
	Continuous bool // tokens start from the state of the one before
	InitScale  *float64
	Lookup     string // which the server must have
	Decode     string // by which strategy, with its usual settings; empty: as the server has it
}

// Depth reads the fields about depth, by the reference's names.
func (f *Fields) Depth() Depth {
	d := Depth{Steps: f.Whole("num_steps", 0, maxSteps), MinSteps: f.Whole("min_steps", 0, maxSteps), Continuous: f.Flag("continuous_compute"), InitScale: f.Number("init_scale", 0, 1e6)}
	d.Effort, _ = f.Text("reasoning_effort")
	d.Criterion, _ = f.Text("criterion")
	d.Lookup, _ = f.Text("cache_lookup_strategy")
	d.Decode, _ = f.Text("decode")
	if d.Threshold = strings.Trim(compact(f.raw["exit_threshold"]), `"`); d.Threshold == "null" {
		d.Threshold = ""
	}
	return d
}

const maxSteps = 1 << 16

// WaveWidth is how many positions of a request's wave are in flight at most: a session has outputs and comparisons for one such wave at a time.
const WaveWidth = 32

// efforts is what reasoning_effort stands for: shares of mean_recurrence for models that can go deeper than they were trained
// (4, 4, 8, 32, 64 and 128 core steps of a Huginn), presets of decode.Efforts for those of a fixed depth. None is deeper than the server goes.
var efforts = []struct {
	name     string
	num, den int
	preset   string
}{
	{"none", 1, 8, "low"},
	{"minimal", 1, 8, "low"},
	{"low", 1, 4, "low"},
	{"medium", 1, 1, "medium"},
	{"high", 2, 1, "high"},
	{"xhigh", 4, 1, "max"},
	{"max", 4, 1, "max"},
}

// EffortNames are the values of reasoning_effort.
func EffortNames() (names []string) {
	for _, e := range efforts {
		names = append(names, e.name)
	}
	return names
}

// effortDepth is what an effort means for a model: core steps, and a criterion with its threshold, if any.
func effortDepth(name string, c arch.Config) (steps int, criterion, threshold string, err error) {
	for _, e := range efforts {
		switch {
		case e.name != name:
		case c.MostSteps() == 0:
			return max(c.MeanRecurrence*e.num/e.den, 1), "", "", nil
		default:
			preset := decode.EffortOf(e.preset)
			own, limit := preset.Exit(c)
			return preset.Steps(c), string(own), limit, nil
		}
	}
	return 0, "", "", unknownEffort("reasoning_effort", name)
}

func unknownEffort(param, name string) *Error {
	return Refuse(param, "%s is %s, want one of %s", param, clip([]byte(strconv.Quote(name))), strings.Join(EffortNames(), ", "))
}

// apply puts the depth into a request and how its tokens start. alias is that of the model's name; nil: it has none.
func (d Depth) apply(m *Model, alias *int, req *decode.Request, setting *decode.Sequence) error {
	req.Steps, req.Strategy = m.Steps, m.Strategy
	switch {
	case d.Steps != nil:
		req.Steps = *d.Steps
	case alias != nil:
		req.Steps = *alias
	case d.Effort != "":
		steps, own, limit, err := effortDepth(d.Effort, m.Config)
		if err != nil {
			return err
		}
		req.Steps, req.Strategy.Exit = min(steps, m.MaxSteps), nil
		if d.Criterion == "" && (d.Decode == "" || d.Decode == decode.PlainDecoding) {
			d.Criterion, d.Threshold = own, cmp.Or(d.Threshold, limit)
		}
	}
	switch {
	case req.Steps > m.MaxSteps:
		return Refuse("num_steps", "num_steps is %d; this server allows 0 to %d for %s (--max-steps)", req.Steps, m.MaxSteps, m.ID)
	case d.Lookup != "" && d.Lookup != m.Lookup:
		return Refuse("cache_lookup_strategy", "cache_lookup_strategy is the server's choice, %s; %q would need another server (--cache-lookup-strategy)", m.Lookup, d.Lookup)
	case d.Decode != "" && !slices.Contains(decode.Strategies, d.Decode):
		return Refuse("decode", "decode is %s, want one of %s", clip([]byte(strconv.Quote(d.Decode))), strings.Join(decode.Strategies, ", "))
	case req.Strategy.Readout.Step > req.Steps: // what the model's config reads is not reached
		req.Strategy.Readout = decode.Readout{}
	}
	draft, wave := decode.DefaultSpeculative.Within(req.Steps), decode.PaperWave
	switch wave.MaxWavefront = WaveWidth; d.Decode {
	case decode.SpeculativeDecoding:
		req.Strategy.Speculative = &draft
	case decode.WaveDecoding:
		req.Strategy.Wave = &wave
	}
	if !req.Strategy.Plain() { // what the server has of these is for plain decoding
		req.Strategy.Exit, req.Strategy.Readout = nil, decode.Readout{}
	}
	var err error
	if req.Strategy.Exit, err = d.exit(req.Strategy.Exit, m.Prefill); err != nil {
		return err
	}
	req.Strategy.ContinuousCompute = req.Strategy.ContinuousCompute || d.Continuous
	if setting.InitScale = m.InitScale; d.InitScale != nil {
		setting.InitScale = *d.InitScale
	}
	if err = req.Strategy.Validate(); err == nil {
		err = req.Strategy.FitsModel(m.Config)
	}
	if lookup, parsed := decode.ParseLookup(m.Lookup, m.Config.NLayersInRecurrentBlock); err == nil && parsed == nil {
		err = req.Strategy.Fits(lookup, req.Steps)
	}
	if err != nil && d.Decode != "" {
		e := AsError(err)
		e.Param = "decode"
		return e
	}
	return err
}

// exit is what ends the steps of a token, where the server's own is another; nil: nothing does.
func (d Depth) exit(own *decode.Exit, prefill bool) (*decode.Exit, error) {
	var exit decode.Exit
	switch {
	case d.Criterion == "none":
		return nil, nil
	case d.Criterion == "" && own == nil && (d.Threshold != "" || d.MinSteps != nil):
		return nil, Refuse("criterion", "exit_threshold and min_steps are of a criterion: name one")
	case d.Criterion == "" && own == nil:
		return nil, nil
	case d.Criterion == "":
		exit = *own
	default:
		exit = decode.Exit{Criterion: decode.Criterion(d.Criterion), Prefill: prefill}
	}
	if d.Threshold != "" || d.Criterion != "" {
		parsed, err := decode.ParseExit(string(exit.Criterion), d.Threshold)
		if err != nil {
			return nil, err
		}
		exit.Threshold = parsed.Threshold
	}
	if d.MinSteps != nil {
		exit.MinSteps = *d.MinSteps
	}
	return &exit, nil
}

// cutAlias takes the depth off a model's name: "huginn-0125:r8" asks for 8 core steps.
func cutAlias(name string) (id string, steps *int) {
	at := strings.LastIndex(name, ":r")
	if at < 0 {
		return name, nil
	}
	n, err := strconv.ParseUint(name[at+2:], 10, 16)
	if err != nil {
		return name, nil
	}
	depth := int(n)
	return name[:at], &depth
}

// aliases are the names by which a model is listed at other depths: powers of two, and all depths of a model that has few.
func aliases(id string, c arch.Config, most int) (names []string) {
	var depths []int
	for r := 1; r < most && c.MostSteps() > 0 && len(depths) < 16; r++ {
		depths = append(depths, r)
	}
	for r := 4; r < most && c.MostSteps() == 0; r *= 2 {
		depths = append(depths, r)
	}
	for _, r := range append(depths, most) {
		names = append(names, fmt.Sprintf("%s:r%d", id, r))
	}
	return names
}

// known are names of fields that a client would rather have followed than passed over.
var known = []string{"temperature", "max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs",
	"messages", "stream_options", "max_output_tokens", "instructions", "stop_sequences", "reasoning_effort", "num_steps", "criterion", "exit_threshold", "min_steps", "continuous_compute", "init_scale",
	"cache_lookup_strategy", "decode", "return_steps", "add_special_tokens", "enable_thinking", "conditions"}

// refuseMisspelt refuses names that are one letter, or an underscore, away from a known one: what they ask for would be passed over in silence.
func (f *Fields) refuseMisspelt() {
	for name := range f.raw {
		if slices.Contains(known, name) {
			continue
		}
		for _, k := range known {
			if nearly(strings.ToLower(name), k) {
				f.Fail(Refuse(name, "unknown field %s; did you mean %s?", clip([]byte(strconv.Quote(name))), k))
			}
		}
	}
}

// nearly tells whether two words differ in one letter, by one that is missing, or in underscores.
func nearly(a, b string) bool {
	if strings.ReplaceAll(a, "_", "") == strings.ReplaceAll(b, "_", "") {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return len(b)-len(a) <= 1 && (a[i:] == b[i+1:] || len(a) == len(b) && a[i+1:] == b[i+1:])
}

// compact is JSON without white space.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}
