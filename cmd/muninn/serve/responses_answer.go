package serve

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"muninn/model/decode"
)

// response is an answer, as it stands.
type response struct {
	ID           string            `json:"id"`
	Object       string            `json:"object"`
	Created      int64             `json:"created_at"`
	Completed    *int64            `json:"completed_at"`
	Status       string            `json:"status"`
	Background   bool              `json:"background"`
	Error        *struct{}         `json:"error"`
	Incomplete   map[string]string `json:"incomplete_details"`
	Instructions *string           `json:"instructions"`
	Limit        *int              `json:"max_output_tokens"`
	Metadata     json.RawMessage   `json:"metadata"`
	Model        string            `json:"model"`
	Output       []responseItem    `json:"output"`
	Parallel     bool              `json:"parallel_tool_calls"`
	Previous     *string           `json:"previous_response_id"`
	Reasoning    struct {
		Effort  *string `json:"effort"`
		Summary *string `json:"summary"`
	} `json:"reasoning"`
	Store       bool     `json:"store"`
	Temperature *float64 `json:"temperature"`
	Text        struct {
		Format struct {
			Type string `json:"type"`
		} `json:"format"`
	} `json:"text"`
	ToolChoice  string         `json:"tool_choice"`
	Tools       []struct{}     `json:"tools"`
	TopLogprobs int            `json:"top_logprobs"`
	TopP        *float64       `json:"top_p"`
	Truncation  string         `json:"truncation"`
	Usage       *responseUsage `json:"usage,omitempty"`
	Steps       []int          `json:"x_steps,omitempty"`
	Timings     *timings       `json:"timings,omitempty"`
}

// responseItem is a stretch of the output: a message, or what was thought before it.
type responseItem struct {
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Status  string         `json:"status"`
	Role    string         `json:"role,omitempty"`
	Summary *[]struct{}    `json:"summary,omitempty"` // of thoughts: there is none
	Content []responsePart `json:"content"`
}

type responsePart struct {
	Type        string         `json:"type"`
	Text        string         `json:"text"`
	Annotations *[]struct{}    `json:"annotations,omitempty"`
	Logprobs    *[]chatLogprob `json:"logprobs,omitempty"`
}

type responseUsage struct {
	Input        int `json:"input_tokens"`
	InputDetails struct {
		Cached  int `json:"cached_tokens"`
		Written int `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	Output        int `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total     int     `json:"total_tokens"`
	CoreSteps int     `json:"x_core_steps"`
	Layers    float64 `json:"x_effective_layers"`
}

const (
	running    = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
)

// responseBegun is an answer of which nothing is there yet.
func responseBegun(a *Ask, r *Result) *response {
	echo := a.kept.(*responsesEcho)
	w := &response{ID: r.ID, Object: "response", Created: r.Created.Unix(), Status: running, Instructions: echo.instructions, Limit: echo.limit, Metadata: echo.metadata, Model: r.Name,
		Output: []responseItem{}, Temperature: a.Temperature, ToolChoice: "none", Tools: []struct{}{}, TopLogprobs: a.Top, TopP: a.TopP, Truncation: "disabled"}
	w.Reasoning.Effort, w.Text.Format.Type = orNull(a.Effort), "text"
	return w
}

// responsesWhole is an answer that has ended.
func responsesWhole(a *Ask, r *Result) *response {
	w, c, now, t := responseBegun(a, r), r.Choices[0], time.Now().Unix(), r.timings()
	w.Timings, w.Status = &t, completed
	if w.Completed = &now; c.Out.Finish != decode.FinishStop {
		w.Status, w.Completed, w.Incomplete = incomplete, nil, map[string]string{"reason": "max_output_tokens"}
	}
	parts := c.parts()
	for i := range parts {
		status := completed
		if i == len(parts)-1 {
			status = w.Status
		}
		w.Output = append(w.Output, responseItemOf(a, r, i, status))
	}
	if a.Steps {
		w.Steps = c.StepsPerToken()
	}
	u := r.usage()
	w.Usage = &responseUsage{Input: u.Prompt, Output: u.Completion, Total: u.Total, CoreSteps: u.CoreSteps, Layers: u.Layers}
	w.Usage.InputDetails.Cached, w.Usage.OutputDetails.Reasoning = u.Details.Cached, u.Completions.Reasoning
	return w
}

// responseItemOf is part i of an answer; while it runs it has no content.
func responseItemOf(a *Ask, r *Result, i int, status string) responseItem {
	c := r.Choices[0]
	part := c.parts()[i]
	item := responseItem{Type: "message", Status: status, Role: "assistant", Content: []responsePart{}}
	prefix := "msg_"
	if part.Thinking {
		item.Type, item.Role, item.Summary, prefix = "reasoning", "", &[]struct{}{}, "rs_"
	}
	item.ID = fmt.Sprintf("%s%s_%d", prefix, strings.TrimPrefix(r.ID, responsePrefix), i)
	if status != running {
		p := responsePartOf(part.Thinking, part.Text)
		if a.Logprobs && !part.Thinking {
			p.Logprobs = &chatLogprobsOf(r.Model, part.Tokens).Content
		}
		item.Content = append(item.Content, p)
	}
	return item
}

func responsePartOf(thinking bool, text string) responsePart {
	if thinking {
		return responsePart{Type: "reasoning_text", Text: text}
	}
	return responsePart{Type: "output_text", Text: text, Annotations: &[]struct{}{}}
}
