package engine

import (
	"context"
	"iter"
	"sync"

	"muninn/model/decode"
)

// Stream is what comes of a request in a Loop. One goroutine reads it.
//
// Tokens that nobody has read yet wait in the stream, of which there are no more than the context has positions. So a slow reader
// holds up nobody: a request that waited for it would keep its sequence, and its rows, from the others.
type Stream struct {
	ctx     context.Context // of the request
	cancel  context.CancelFunc
	req     decode.Request
	setting decode.Sequence

	mu     sync.Mutex
	more   *sync.Cond // a token has come, or the end
	unread []decode.Token
	ended  bool
	out    decode.Outcome
	err    error
}

func newStream(ctx context.Context, req decode.Request, setting decode.Sequence) *Stream {
	s := &Stream{req: req, setting: setting}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.more = sync.NewCond(&s.mu)
	return s
}

// Tokens yields the tokens that have not been read, as they are decided, until the request ends. A last one with Token.Token -1 hands
// out text still held back, if any. Breaking off cancels the request.
func (s *Stream) Tokens() iter.Seq[decode.Token] {
	return func(yield func(decode.Token) bool) {
		for {
			token, ok := s.next()
			if !ok {
				return
			}
			if !yield(token) {
				s.cancel()
				return
			}
		}
	}
}

// Outcome waits for the end of the request, passing over tokens that have not been read, and returns what came of it: an error that
// wraps the context's if it was cancelled, and ErrLoopClosed if the loop was closed.
func (s *Stream) Outcome() (decode.Outcome, error) {
	for range s.Tokens() {
	}
	return s.out, s.err
}

// next waits for a token; false: there are no more.
func (s *Stream) next() (token decode.Token, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.unread) == 0 {
		if s.ended {
			return token, false
		}
		s.more.Wait()
	}
	token, s.unread = s.unread[0], s.unread[1:]
	return token, true
}

// push adds a token.
func (s *Stream) push(token decode.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = append(s.unread, token)
	s.more.Signal()
	return nil
}

// over tells whether the request has ended.
func (s *Stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// finish ends the stream.
func (s *Stream) finish(out decode.Outcome, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.err, s.ended = out, err, true
	s.more.Signal()
	s.cancel()
}
