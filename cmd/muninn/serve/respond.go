package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"muninn/model/arch"
)

// Dialect is one way to ask and to be answered.
type Dialect struct {
	Path   string                                      // of POST
	Prefix string                                      // of ids
	Decode func(f *Fields) (*Ask, error)               // reads a body; errors of f need not be looked at
	Whole  func(a *Ask, r *Result) any                 // the answer as a whole
	Stream func(a *Ask, r *Result) func(Event) []Frame // what events become, for one answer
	Named  string                                      // the event that an error in a stream is; empty: none
	Ping   *Frame                                      // what keeps a stream alive; nil: a comment
}

// dialects are the ways to ask.
var dialects = []*Dialect{chatDialect, completionsDialect, responsesDialect, messagesDialect, traceDialect}

// thoughtMarks takes the marks around thoughts away.
var thoughtMarks = strings.NewReplacer(arch.ThinkBegin, "", arch.ThinkEnd, "")

// answer handles a dialect's requests.
func (s *Server) answer(d *Dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := decodeAsk(d, w, r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		log := recordOf(r)
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		reports := s.run(ctx, a, r)
		if a.Stream {
			err = s.stream(w, r, d, a, reports)
		} else {
			err = s.whole(w, d, a, log, reports)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

func decodeAsk(d *Dialect, w http.ResponseWriter, r *http.Request) (*Ask, error) {
	f, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	a, err := d.Decode(f)
	if f.Err != nil {
		return nil, f.Err
	}
	if err == nil {
		a.size = f.size
	}
	return a, err
}

// whole answers when all is done.
func (s *Server) whole(w http.ResponseWriter, d *Dialect, a *Ask, log *record, reports <-chan report) error {
	var res *Result
	for r := range reports {
		switch {
		case r.err != nil:
			return r.err
		case r.result != nil:
			res = r.result
			res.ID = newID(d.Prefix)
		default:
			r.choice.add(r, res)
		}
	}
	if res == nil || !res.done() { // the client has gone
		return context.Canceled
	}
	s.count(log, res)
	writeJSON(w, http.StatusOK, d.Whole(a, res))
	return nil
}

// done tells whether every answer has ended.
func (r *Result) done() bool {
	for _, c := range r.Choices {
		if !c.Ended {
			return false
		}
	}
	return true
}

// stream answers as it comes. What goes wrong before the first token is an error as any other; later it is the stream's last event.
func (s *Server) stream(w http.ResponseWriter, req *http.Request, d *Dialect, a *Ask, reports <-chan report) error {
	log, out := recordOf(req), &eventStream{w: w, keep: d.Ping}
	ping := time.NewTicker(pingTime)
	defer ping.Stop()
	var res *Result
	var frames func(Event) []Frame
	begin := func() (first []Frame) {
		if frames == nil {
			frames = d.Stream(a, res)
			first = frames(Event{Kind: Begin})
		}
		return first
	}
	failed := func(err error) error {
		if !out.begun || s.gone(req) {
			return err
		}
		s.logError(log, err)
		return out.send(Frame{Event: d.Named, Data: errorForm(req)(AsError(err))})
	}
	for {
		select {
		case r, ok := <-reports:
			switch {
			case !ok && (res == nil || !res.done()):
				return failed(context.Canceled)
			case !ok:
				s.count(log, res)
				return out.send(append(begin(), frames(Event{Kind: Close})...)...)
			case r.err != nil:
				return failed(r.err)
			case r.result != nil:
				res = r.result
				res.ID = newID(d.Prefix)
			default:
				event := r.choice.add(r, res)
				ping.Reset(pingTime)
				if err := out.send(append(begin(), frames(event)...)...); err != nil {
					return err
				}
			}
		case <-ping.C:
			if err := out.ping(); err != nil {
				return err
			}
		}
	}
}

// fail answers with an error, unless there is nobody to be answered.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	log := recordOf(r)
	if log.gone = errors.Is(err, errGone) || errors.Is(err, context.Canceled) && s.gone(r); log.gone {
		return
	}
	s.logError(log, err)
	writeError(w, AsError(err), errorForm(r))
}

// gone tells whether the client of a request has left.
func (s *Server) gone(r *http.Request) bool {
	return r.Context().Err() != nil && s.stopping.Err() == nil
}

// errGone is wrapped when a client takes no more.
var errGone = errors.New("serve: the client has gone")

// newID is an id that nobody can guess.
func newID(prefix string) string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // which does not fail
	return prefix + hex.EncodeToString(b[:])
}
