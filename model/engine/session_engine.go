package engine

import (
	"context"

	"muninn/model/decode"
)

// Engine is the session as strategies take it, for tasks until ctx is done.
func (s *Session) Engine(ctx context.Context) decode.Engine { return sessionEngine{s, ctx} }

type sessionEngine struct {
	*Session
	ctx context.Context
}

func (e sessionEngine) Do(a *decode.Task) error { return e.Session.Do(e.ctx, a) }

// GenerateOn is Generate on an engine over one of the model's sessions.
func (m *Model) GenerateOn(e decode.Engine, seq int, req decode.Request, emit func(decode.Token) error) (decode.Outcome, error) {
	return decode.Generate(e, m.Tokenizer, seq, req, emit)
}

// Generate runs a request on sequence seq of the session. emit is called for each token as it is decided; a last call with
// Token.Token -1 hands out text still held back, if any. An error of emit ends the run.
func (m *Model) Generate(ctx context.Context, s *Session, seq int, req decode.Request, emit func(decode.Token) error) (decode.Outcome, error) {
	return decode.Generate(s.Engine(ctx), m.Tokenizer, seq, req, emit)
}
