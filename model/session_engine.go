package model

import "context"

// Engine is the session as samplers take it, for asks until ctx is done.
func (s *Session) Engine(ctx context.Context) Engine { return sessionEngine{s, ctx} }

type sessionEngine struct {
	*Session
	ctx context.Context
}

func (e sessionEngine) Do(a *Ask) error { return e.Session.Do(e.ctx, a) }

// GenerateOn is Generate on an engine over one of the model's sessions.
func (m *Model) GenerateOn(e Engine, seq int, req Request, emit func(Token) error) (Outcome, error) {
	return m.sample(e, seq, req, emit)
}
