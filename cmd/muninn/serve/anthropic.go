package serve

import (
	"net/http"
	"strings"
	"time"
)

// anthropicPath is where Anthropic's API lies; its clients say so in a header too.
const anthropicPath = "/v1/messages"

// isAnthropic tells whether a request is of Anthropic's API, whose version is taken as it comes.
func isAnthropic(r *http.Request) bool {
	return r.Header.Get("Anthropic-Version") != "" || r.URL.Path == anthropicPath || strings.HasPrefix(r.URL.Path, anthropicPath+"/")
}

// errorForm is how errors are encoded for who sent a request.
func errorForm(r *http.Request) func(*Error) any {
	if isAnthropic(r) {
		return func(e *Error) any { return anthropicErrorOf(e, recordOf(r).id) }
	}
	return openAIError
}

// anthropicError is Anthropic's form of an error.
type anthropicError struct {
	Type  string `json:"type"`
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	Request string `json:"request_id"`
}

// anthropicTypes are Anthropic's names for kinds of errors, by status; others are named by Error.Type.
var anthropicTypes = map[int]string{
	http.StatusNotFound: "not_found_error", http.StatusMethodNotAllowed: "not_found_error", http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests: "rate_limit_error", http.StatusInternalServerError: "api_error", http.StatusServiceUnavailable: "overloaded_error",
}

func anthropicErrorOf(e *Error, request string) any {
	o := anthropicError{Type: "error", Request: request}
	if o.Error.Type, o.Error.Message = e.Type, e.Message; anthropicTypes[e.Status] != "" {
		o.Error.Type = anthropicTypes[e.Status]
	}
	return o
}

// anthropicModel is a model as Anthropic lists it.
type anthropicModel struct {
	Type    string     `json:"type"`
	ID      string     `json:"id"`
	Name    string     `json:"display_name"`
	Created string     `json:"created_at"`
	Input   *int       `json:"max_input_tokens"`
	Output  *int       `json:"max_tokens"`
	Can     *struct{}  `json:"capabilities"`
	Cycle   string     `json:"lifecycle"`
	Line    *string    `json:"line"`
	Old     *string    `json:"deprecated_at"`
	Gone    *string    `json:"retires_at"`
	Meta    *modelMeta `json:"meta,omitempty"`
}

// anthropicEntry encodes an entry of the list of models as Anthropic does.
func anthropicEntry(e modelEntry) anthropicModel {
	m := anthropicModel{Type: "model", ID: e.ID, Name: e.ID, Cycle: "active", Created: time.Unix(e.Created, 0).UTC().Format(time.RFC3339), Meta: e.Meta}
	if e.Meta != nil {
		m.Input, m.Output = &e.Meta.Context, &e.Meta.Context
	}
	return m
}

// anthropicList is the whole list on one page.
func anthropicList(entries []modelEntry) any {
	list := struct {
		Data  []anthropicModel `json:"data"`
		More  bool             `json:"has_more"`
		First *string          `json:"first_id"`
		Last  *string          `json:"last_id"`
	}{Data: []anthropicModel{}}
	for _, e := range entries {
		list.Data = append(list.Data, anthropicEntry(e))
	}
	if n := len(list.Data); n > 0 {
		list.First, list.Last = &list.Data[0].ID, &list.Data[n-1].ID
	}
	return list
}
