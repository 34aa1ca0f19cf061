package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"muninn/model/decode"
	"muninn/model/tokenizer"
)

// modelEntry is a model as /v1/models lists it.
type modelEntry struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Created int64      `json:"created"`
	OwnedBy string     `json:"owned_by"`
	Meta    *modelMeta `json:"meta,omitempty"` // nil: nothing is known yet
}

type modelMeta struct {
	Open       bool   `json:"open"`
	Family     string `json:"family"`
	Parameters int64  `json:"n_params"`
	Weights    string `json:"quant"`
	Context    int    `json:"n_ctx"`
	Parallel   int    `json:"parallel"`
	Steps      int    `json:"num_steps"`
	MaxSteps   int    `json:"max_steps"`
	Lookup     string `json:"cache_lookup_strategy"`
	Device     string `json:"device,omitempty"`
	Memory     uint64 `json:"memory_bytes"`
}

func metaOf(m *Model) *modelMeta {
	if m == nil {
		return nil
	}
	return &modelMeta{Open: m.Engine != nil, Family: m.Config.FamilyName(), Parameters: m.Config.Params(), Weights: m.Weights, Context: m.Context, Parallel: m.Parallel,
		Steps: m.Steps, MaxSteps: m.MaxSteps, Lookup: m.Lookup, Device: m.Device, Memory: m.Memory}
}

// listModels lists models, and each at other depths too.
func (s *Server) listModels(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Object string       `json:"object"`
		Data   []modelEntry `json:"data"`
	}{Object: "list", Data: []modelEntry{}}
	for _, m := range s.Models.Status() {
		names := []string{m.ID}
		if m.About != nil {
			names = append(names, aliases(m.ID, m.About.Config, min(m.About.MaxSteps, 64))...)
		}
		for _, name := range names {
			list.Data = append(list.Data, s.entry(name, m.About))
		}
	}
	if isAnthropic(r) {
		writeJSON(w, http.StatusOK, anthropicList(list.Data))
		return
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *Server) entry(name string, m *Model) modelEntry {
	return modelEntry{ID: name, Object: "model", Created: s.began.Unix(), OwnedBy: "muninn", Meta: metaOf(m)}
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("id")
	e, _, err := s.Models.find(name)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, m := range s.Models.Status() {
		switch entry := s.entry(name, m.About); {
		case m.ID != e.ID:
		case isAnthropic(r):
			writeJSON(w, http.StatusOK, anthropicEntry(entry))
		default:
			writeJSON(w, http.StatusOK, entry)
		}
	}
}

// with handles a request about a model, which its body or query names and which is opened for it. f gives the answer.
func (s *Server) with(f func(f *Fields, m *Model) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := func() (any, error) {
			fields := &Fields{raw: map[string]json.RawMessage{}}
			if model := r.URL.Query().Get("model"); model != "" {
				fields.raw["model"], _ = json.Marshal(model) // a text
			}
			if r.Method == http.MethodPost {
				var err error
				if fields, err = readBody(w, r); err != nil {
					return nil, err
				}
			}
			name, _ := fields.Text("model")
			m, _, release, err := s.Models.Acquire(r.Context(), name)
			if err != nil {
				return nil, err
			}
			defer release()
			var answer any
			err = s.inTurn(r.Context(), fields.size, func() (err error) {
				answer, err = f(fields, m)
				return err
			})
			if fields.Err != nil {
				err = fields.Err
			}
			return answer, err
		}()
		if err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

type tokenized struct {
	Tokens []int32 `json:"tokens"`
	Count  int     `json:"count"`
	Max    int     `json:"max_model_len"`
}

// tokenize reads special tokens that are spelt out, as the library does.
func tokenize(f *Fields, m *Model) (any, error) {
	text, given := f.Text("prompt")
	if !given {
		if text, given = f.Text("content"); !given {
			return nil, Refuse("prompt", "prompt is missing")
		}
	}
	bare := f.Has("add_special_tokens") && !f.Flag("add_special_tokens")
	ids, err := encodeText(m, text, bare, true)
	return tokenized{Tokens: append([]int32{}, ids...), Count: len(ids), Max: m.Context}, err
}

// encodeText is the ids of a text; unless it is bare, with what texts begin with.
func encodeText(m *Model, text string, bare, special bool) ([]int32, error) {
	if bare && m.Tokenizer != nil {
		return m.Tokenizer.Encode(text, tokenizer.EncodeOptions{ParseSpecial: special})
	}
	return m.EncodePrompt(text, special)
}

func detokenize(f *Fields, m *Model) (any, error) {
	var ids []int32
	if !f.Read("tokens", "a list of ids", &ids) {
		return nil, Refuse("tokens", "tokens is missing")
	}
	if m.Tokenizer == nil {
		return nil, Refuse("tokens", "this model has no tokenizer")
	}
	text, err := m.Tokenizer.Decode(ids, false)
	if err != nil {
		return nil, Refuse("tokens", "%s", packageName.ReplaceAllString(err.Error(), ""))
	}
	return map[string]string{"prompt": text, "content": text}, nil
}

// tokenizerInfo is what lm-eval asks for to do without a tokenizer of its own.
func tokenizerInfo(_ *Fields, m *Model) (any, error) {
	info := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": m.Context, "vocab_size": m.Config.PaddedVocabSize,
		"bos_token": nil, "eos_token": nil, "pad_token": nil, "chat_template": nil}
	token := func(name string, id int32, ok bool) {
		if ok && m.Tokenizer != nil {
			if text, known := m.Tokenizer.Token(id); known && info[name] == nil {
				info[name] = text
			}
		}
	}
	begin, ok := m.BeginID()
	token("bos_token", begin, ok)
	for _, id := range m.StopIDs() {
		token("eos_token", id, id != begin || !ok)
	}
	token("pad_token", int32(m.Generation.Pad), m.Generation.Pad >= 0)
	if m.Chat != nil && m.Chat.Template != "" {
		info["chat_template"] = m.Chat.Template
	}
	return info, nil
}

// props is what the server is, and how it answers where a request does not say.
func (s *Server) props(_ *Fields, m *Model) (any, error) {
	pick := m.Pick
	exit := "none"
	if m.Strategy.Exit != nil {
		exit = string(m.Strategy.Exit.Criterion)
	}
	chat := ""
	if m.Chat != nil {
		chat = m.Chat.Name
	}
	criteria := []string{}
	for _, c := range decode.CriteriaOf(m.Config) {
		criteria = append(criteria, string(c.Name))
	}
	efforts := map[string]int{}
	for _, name := range EffortNames() {
		steps, _, _, _ := effortDepth(name, m.Config) // the name is known
		efforts[name] = min(steps, m.MaxSteps)
	}
	return map[string]any{
		"model": m.ID, "meta": metaOf(m), "version": s.Version, "chat_form": chat, "criteria": criteria, "reasoning_efforts": efforts,
		"default_generation_settings": map[string]any{
			"num_steps": m.Steps, "criterion": exit, "temperature": pick.Temperature, "top_p": pick.TopP, "top_k": pick.TopK, "min_p": pick.MinP,
			"repetition_penalty": pick.RepetitionPenalty, "do_sample": !pick.Greedy, "init_scale": m.InitScale,
		},
		"limits": map[string]int{"context": m.Context, "parallel": m.Parallel, "queue": m.Queue, "max_steps": m.MaxSteps, "max_body_bytes": maxBody, "max_stop": maxStops, "max_n": maxAnswers, "max_top_logprobs": maxTop},
	}, nil
}

// health tells whether requests are answered at once: some model is open.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	open, progress := false, 0.0
	for _, m := range s.Models.Status() {
		open, progress = open || m.Open, max(progress, m.Progress)
	}
	switch {
	case s.stopping.Err() != nil || s.draining.Load():
		writeError(w, AsError(context.Canceled), errorForm(r))
	case open:
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	default:
		e := &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: "loading", Message: "the model is being loaded", Retry: time.Second}
		w.Header().Set("Retry-After", "1")
		writeJSON(w, e.Status, struct {
			errorObject
			Status   string  `json:"status"`
			Progress float64 `json:"progress"`
		}{openAIError(e).(errorObject), "loading", progress})
	}
}
