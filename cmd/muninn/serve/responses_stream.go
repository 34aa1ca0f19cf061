package serve

// responseEvent is one event of a stream. Numbers are pointers where 0 is one of them.
type responseEvent struct {
	Type     string         `json:"type"`
	Sequence int            `json:"sequence_number"`
	Response *response      `json:"response,omitempty"`
	ItemID   string         `json:"item_id,omitempty"`
	Output   *int           `json:"output_index,omitempty"`
	Content  *int           `json:"content_index,omitempty"`
	Item     *responseItem  `json:"item,omitempty"`
	Part     *responsePart  `json:"part,omitempty"`
	Delta    *string        `json:"delta,omitempty"`
	Text     *string        `json:"text,omitempty"`
	Logprobs *[]chatLogprob `json:"logprobs,omitempty"`
	Steps    []int          `json:"x_steps,omitempty"`
}

// responseStream makes the events of one answer.
type responseStream struct {
	a    *Ask
	r    *Result
	sent int // events
	open int // the part that is open; -1: none
	held     // tokens since the last delta
	out  []Frame
}

func responsesStream(a *Ask, r *Result) func(Event) []Frame {
	s := &responseStream{a: a, r: r, open: -1}
	return func(e Event) []Frame {
		s.out = nil
		s.take(e)
		return s.out
	}
}

func (s *responseStream) send(e responseEvent) {
	e.Sequence = s.sent
	s.sent++
	s.out = append(s.out, Frame{Event: e.Type, Data: e})
}

func (s *responseStream) take(e Event) {
	switch e.Kind {
	case Begin:
		s.send(responseEvent{Type: "response.created", Response: responseBegun(s.a, s.r)})
		s.send(responseEvent{Type: "response.in_progress", Response: responseBegun(s.a, s.r)})
	case Delta:
		s.push(e.Token)
		if e.Text == "" {
			return
		}
		s.opens(len(e.Choice.Parts) - 1)
		tokens := s.pull()
		event := s.within(textEvents[e.Token.Thinking] + ".delta")
		event.Delta = &e.Text
		if s.a.Steps {
			event.Steps = stepsOf(tokens)
		}
		if !e.Token.Thinking {
			event.Logprobs = &[]chatLogprob{}
			if s.a.Logprobs {
				event.Logprobs = &chatLogprobsOf(s.r.Model, tokens).Content
			}
		}
		s.send(event)
	case Close:
		w := responsesWhole(s.a, s.r)
		s.opens(len(w.Output) - 1) // of an empty answer
		s.closes(w.Status)
		s.send(responseEvent{Type: "response." + w.Status, Response: w})
	}
}

// textEvents begin the names of events about the text of a part, by whether it is of thoughts.
var textEvents = map[bool]string{false: "response.output_text", true: "response.reasoning_text"}

// opens opens a part, unless it is open.
func (s *responseStream) opens(part int) {
	if s.open == part {
		return
	}
	s.closes(completed)
	s.open = part
	item := responseItemOf(s.a, s.r, part, running)
	s.send(responseEvent{Type: "response.output_item.added", Output: &part, Item: &item})
	e := s.within("response.content_part.added")
	empty := responsePartOf(s.r.Choices[0].parts()[part].Thinking, "")
	e.Part = &empty
	s.send(e)
}

// closes ends the part that is open, if one is.
func (s *responseStream) closes(status string) {
	if s.open < 0 {
		return
	}
	part, item := s.open, responseItemOf(s.a, s.r, s.open, status)
	done := s.within(textEvents[item.Type == "reasoning"] + ".done")
	if done.Text = &item.Content[0].Text; item.Type == "message" {
		if done.Logprobs = item.Content[0].Logprobs; done.Logprobs == nil {
			done.Logprobs = &[]chatLogprob{}
		}
	}
	s.send(done)
	content := s.within("response.content_part.done")
	content.Part = &item.Content[0]
	s.send(content)
	s.send(responseEvent{Type: "response.output_item.done", Output: &part, Item: &item})
}

// within is an event about the content of the part that is open.
func (s *responseStream) within(kind string) responseEvent {
	part := s.open
	return responseEvent{Type: kind, ItemID: responseItemOf(s.a, s.r, part, running).ID, Output: &part, Content: new(int)}
}
