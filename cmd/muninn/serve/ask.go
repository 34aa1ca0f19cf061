package serve

import (
	"math"
	"slices"
	"strconv"

	"muninn/model/arch"
)

// Ask is a request in no dialect: what is asked of which model, and how it is answered.
type Ask struct {
	Model   string   // as the client names it; empty: the first
	Prompts []Prompt // each has N answers
	N       int      // 0: one
	Limit   int      // tokens of an answer; -1: as many as there is room for
	Stop    []string // before which an answer ends
	Seed    *int
	Sampling
	Depth

	Logprobs bool // the tokens are wanted with their likelihoods, and of each the Top likeliest
	Top      int
	Score    bool // of the prompt's tokens too
	Echo     bool // the prompt is part of the answer

	Stream bool // the answer is wanted as it comes
	Usage  bool // at the end of a stream too
	Steps  bool // the core steps of each token are wanted

	trace *traceAsk // the answer is recorded; nil: it is not

	size int    // bytes of the body
	kept any    // what the dialect keeps of the request for its answer
	User string // whom the client asks for; those of different users take turns
}

// Prompt is what is to be answered or continued: messages, a text, or ids.
type Prompt struct {
	Messages []arch.Message
	Chat     arch.ChatOptions
	Wish     bool // Chat.Thinking is for models that have thinking to ask for
	Text     string
	Bare     bool // nothing is put in front of Text
	IDs      []int32
}

// Sampling is how tokens are picked, where it is not as the server has it.
type Sampling struct {
	Temperature, TopP, MinP         *float64
	TopK                            *int
	Frequency, Presence, Repetition *float64
	Bias                            map[int32]float64
}

// Bounds of requests.
const (
	maxAnswers = 8
	maxStops   = 16
	maxStop    = 1000 // bytes
	maxTop     = 20
	maxBias    = 1024
	maxTokens  = 1 << 24
	maxLikely  = 1 << 21 // of prompts, with what else was likely: some 100 bytes each
)

// Common reads the fields that chat and completions share into a.
func (f *Fields) Common(a *Ask) {
	a.Model, _ = f.Text("model")
	if n := f.Whole("n", 1, maxAnswers); n != nil {
		a.N = *n
	}
	a.Stream, a.Steps = f.Flag("stream"), f.Flag("return_steps")
	f.streamOptions(a)
	a.Stop = f.stops("stop")
	if f.Has("seed") {
		a.Seed = f.Whole("seed", -1<<53, 1<<53)
	}
	a.User, _ = f.Text("user")
	a.Sampling = f.Sampling()
	a.Depth = f.Depth()
	f.refuse(refused)
	f.refuseMisspelt()
}

// streamOptions reads stream_options.
func (f *Fields) streamOptions(a *Ask) {
	o := f.object("stream_options")
	if o == nil {
		return
	}
	if !a.Stream {
		f.Fail(Refuse("stream_options", "stream_options is for stream: true"))
	}
	a.Usage = o.Flag("include_usage")
	f.take(o)
}

// object reads a field that is an object, whose own errors take gives to f; nil: it is not there.
func (f *Fields) object(name string) *Fields {
	o := &Fields{at: f.at + name + "."}
	if !f.Read(name, "an object", &o.raw) {
		return nil
	}
	return o
}

// take takes over the error of an object within.
func (f *Fields) take(o *Fields) {
	if o.Err != nil {
		f.Fail(o.Err)
	}
}

// stops reads a text, or a list of them, before which an answer ends.
func (f *Fields) stops(name string) (stops []string) {
	if !f.Has(name) {
		return nil
	}
	if f.raw[name][0] == '"' {
		stops = []string{""}
		f.Read(name, "a string", &stops[0])
	} else {
		f.Read(name, "a string or a list of them", &stops)
	}
	switch {
	case len(stops) > maxStops:
		f.Fail(Refuse(name, "%s has %d texts, at most %d are taken", name, len(stops), maxStops))
	case slices.ContainsFunc(stops, func(s string) bool { return s == "" || len(s) > maxStop }):
		f.Fail(Refuse(name, "a text of %s is empty, or has more than %d bytes", name, maxStop))
	}
	return stops
}

// Sampling reads how tokens are picked.
func (f *Fields) Sampling() Sampling {
	s := Sampling{
		Temperature: f.Number("temperature", 0, 1000), TopP: f.Number("top_p", 0, 1), MinP: f.Number("min_p", 0, 1), TopK: f.Whole("top_k", -1, math.MaxInt32),
		Frequency: f.Number("frequency_penalty", -2, 2), Presence: f.Number("presence_penalty", -2, 2), Repetition: f.Number("repetition_penalty", 1e-3, 1000),
	}
	if list := f.object("logit_bias"); list != nil {
		if len(list.raw) > maxBias {
			f.Fail(Refuse("logit_bias", "logit_bias has %d tokens, at most %d are taken", len(list.raw), maxBias))
			return s
		}
		s.Bias = map[int32]float64{}
		for name := range list.raw {
			id, err := strconv.ParseInt(name, 10, 32)
			if err != nil || id < 0 || name != strconv.FormatInt(id, 10) { // which also keeps 01 from meaning 1 a second time
				f.Fail(Refuse("logit_bias", "logit_bias has the key %s, want ids of tokens", clip([]byte(strconv.Quote(name)))))
			}
			if v := list.Number(name, -100, 100); v != nil {
				s.Bias[int32(id)] = *v
			}
		}
		f.take(list)
	}
	return s
}

// refusal is a field that clients know, and why nothing follows it.
type refusal struct {
	name  string
	idle  []string // JSON of values that change nothing, which are let through
	cause string
}

// refused are those of all dialects.
var refused = []refusal{
	{"tools", []string{"[]"}, "no model here was trained to call tools"},
	{"tool_choice", []string{`"none"`, `"auto"`, `{"type":"none"}`, `{"type":"auto"}`}, "no model here was trained to call tools"},
	{"functions", []string{"[]"}, "no model here was trained to call functions"},
	{"function_call", []string{`"none"`, `"auto"`}, "no model here was trained to call functions"},
	{"parallel_tool_calls", []string{"true", "false"}, "no model here was trained to call tools"},
	{"response_format", []string{`{"type":"text"}`}, "answers are text"},
	{"modalities", []string{`["text"]`}, "answers are text"},
	{"audio", nil, "answers are text"},
	{"prediction", nil, "predicted answers are not used"},
	{"web_search_options", nil, "the server fetches nothing"},
	{"suffix", []string{`""`}, "models continue a text, they do not fill a gap"},
	{"best_of", []string{"1"}, "only the answers themselves are made; ask for n"},
	{"use_beam_search", []string{"false"}, "answers are drawn token by token"},
	{"guided_json", nil, "answers are not bound to a grammar"},
	{"guided_regex", nil, "answers are not bound to a grammar"},
	{"guided_choice", nil, "answers are not bound to a grammar"},
	{"guided_grammar", nil, "answers are not bound to a grammar"},
	{"grammar", []string{`""`}, "answers are not bound to a grammar"},
	{"json_schema", nil, "answers are not bound to a schema"},
}

// refuse refuses what would be wrong to pass over.
func (f *Fields) refuse(list []refusal) {
	for _, r := range list {
		if f.Has(r.name) && !slices.Contains(r.idle, compact(f.raw[r.name])) {
			f.Fail(unsupported(f.at+r.name, r.cause))
		}
	}
}
