package serve

import (
	"context"
	"iter"
	"time"

	"muninn/model"
	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
)

// Engine runs requests side by side.
type Engine interface {
	Submit(ctx context.Context, req decode.Request, setting decode.Sequence) (Stream, error)
	Stats() engine.LoopStats
	Close()
}

// Stream is what comes of a request, as engine.Stream has it.
type Stream interface {
	Tokens() iter.Seq[decode.Token]
	Outcome() (decode.Outcome, error)
}

// Model is a model that is open, and how it is asked where a request does not say.
type Model struct {
	ID string
	checkpoint.Text
	Config  arch.Config
	Created time.Time // when it was opened
	Engine  Engine

	Parallel int // requests that run side by side
	Queue    int // requests that may wait
	Context  int // positions of each

	Steps     int // core steps of a token
	MaxSteps  int // that a request may ask for
	Strategy  decode.Strategy
	Pick      decode.Filters
	Lookup    string // of the KV cache
	InitScale float64
	Prefill   bool // a request's criterion may end the core steps of prompts too
	Fixed     bool // draws follow Pick.Seed; else each request without a seed draws anew
	// ParseSpecial reads special tokens that are spelt out in prompts and messages.
	ParseSpecial bool

	Device, Weights string // for people
	Memory          uint64 // of the device, as planned, in bytes

	places *places
}

// open readies a model for requests, if it is not.
func (m *Model) open() {
	if m.places == nil {
		m.Created, m.places = time.Now(), &places{most: m.Parallel + m.Queue}
	}
}

// Loop is an engine.Loop as an Engine, with the model whose session it has.
type Loop struct {
	*engine.Loop
	Of *model.Model
}

// Submit queues a request.
func (l Loop) Submit(ctx context.Context, req decode.Request, setting decode.Sequence) (Stream, error) {
	s, err := l.Loop.Submit(ctx, req, setting)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends what runs and closes the model.
func (l Loop) Close() {
	l.Loop.Close()
	_ = l.Of.Close() // of what is gone either way
}
