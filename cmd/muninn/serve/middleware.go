package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// record is what is logged and counted of a request: nothing of what it says.
type record struct {
	id                     string
	began                  time.Time
	route                  string
	status                 int
	model                  string
	prompt, cached, tokens int
	key                    int  // which API key it had, counted from 1; 0: none
	gone                   bool // the client went before the answer
}

type recordKey struct{}

func recordOf(r *http.Request) *record {
	if l, ok := r.Context().Value(recordKey{}).(*record); ok {
		return l
	}
	return &record{}
}

// watched notes the status of an answer.
type watched struct {
	http.ResponseWriter
	log *record
}

// WriteHeader notes the first status.
func (w *watched) WriteHeader(status int) {
	if w.log.status == 0 {
		w.log.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes with status 200 if there was none before.
func (w *watched) Write(b []byte) (int, error) {
	if w.log.status == 0 {
		w.log.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// guarded is a handler behind all that requests must pass, outermost first.
func (s *Server) guarded(mux *http.ServeMux) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, origin := range s.Origins {
		_ = cross.AddTrustedOrigin(origin) // New has checked them
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &Error{Status: http.StatusForbidden, Type: typePermission, Code: "origin_not_allowed", Message: "pages of other origins may not ask this server; --cors-origin allows one"}, errorForm(r))
	}))
	h := s.checkBody(mux)
	h = s.checkKey(h)
	h = cross.Handler(h)
	if len(s.Origins) > 0 {
		h = cors.New(cors.Options{AllowedOrigins: s.Origins, AllowedMethods: []string{"GET", "POST"}, AllowedHeaders: []string{"*"}, ExposedHeaders: []string{"X-Request-Id", "Retry-After"}, MaxAge: 600}).Handler(h)
	}
	return s.watch(s.checkHost(h))
}

// watch logs and counts each request, bounds how long its body and its answer take, and answers for what panics. Who takes longer sets
// deadlines of his own.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.active.Add(1)
		defer s.active.Add(-1)
		l := &record{id: newID("req_"), began: time.Now()}
		w.Header().Set("X-Request-Id", l.id)
		w.Header().Set("Request-Id", l.id) // where Anthropic's clients look for it
		w.Header().Set("X-Content-Type-Options", "nosniff")
		r = r.WithContext(context.WithValue(r.Context(), recordKey{}, l))
		out := &watched{ResponseWriter: w, log: l}
		rc := http.NewResponseController(w) // which a test's recorder has no deadlines for
		_ = rc.SetWriteDeadline(l.began.Add(writeTime))
		if r.ContentLength != 0 { // also of a body that is not asked for, which net/http waits for
			_ = rc.SetReadDeadline(l.began.Add(bodyTime))
		}
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.Log.Error("a bug in muninn, not in what was asked for", "id", l.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if l.status == 0 {
					writeError(out, AsError(errPanic), errorForm(r))
				}
			}
			l.route = r.Pattern
			s.logRequest(r, l)
			s.counters.request(l)
		}()
		next.ServeHTTP(out, r)
	})
}

func (s *Server) logRequest(r *http.Request, l *record) {
	level := slog.LevelInfo
	if l.route == "" {
		l.route = "none"
	}
	if strings.HasSuffix(l.route, "/health") || strings.HasSuffix(l.route, "/metrics") {
		level = slog.LevelDebug
	}
	if l.gone {
		l.status = 499 // as others log it
	}
	fields := []any{"id", l.id, "route", l.route, "status", l.status, "ms", time.Since(l.began).Milliseconds()}
	if l.model != "" {
		fields = append(fields, "model", l.model, "prompt_tokens", l.prompt, "cached_tokens", l.cached, "tokens", l.tokens)
	}
	s.Log.Log(r.Context(), level, "request", fields...)
}

// logError logs what the client is not told.
func (s *Server) logError(l *record, err error) {
	if _, told := errors.AsType[*Error](err); !told && AsError(err).Status >= 500 && !errors.Is(err, context.Canceled) {
		s.Log.Error("request failed", "id", l.id, "error", err.Error())
	}
}

// checkHost refuses names that are not this server's: a page that has its own name point here would else be taken for one of ours. Only
// programs that speak HTTP/1.0 give none.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "" && !s.ownHost(r.Host) {
			writeError(w, &Error{Status: http.StatusForbidden, Type: typePermission, Code: "host_not_allowed", Message: "the Host header " + clip([]byte(r.Host)) + " is no name of this server; muninn serve --allow-host adds one"}, errorForm(r))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil { // an address is nobody's name
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.ContainsFunc(s.Hosts, func(own string) bool { return strings.EqualFold(own, host) })
}

// open are the routes that need no key: what watches a server has none, and a page asks for it.
func openRoute(r *http.Request) bool {
	return slices.Contains([]string{"/health", "/v1/health"}, r.URL.Path) || r.Method == http.MethodGet && r.URL.Path == "/"
}

// checkKey demands an API key where the server has any. Keys are compared by their hashes, in a time that does not tell how much of one is right.
func (s *Server) checkKey(next http.Handler) http.Handler {
	sums := make([][32]byte, len(s.Keys))
	for i, key := range s.Keys {
		sums[i] = sha256.Sum256([]byte(key))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			given = r.Header.Get("X-Api-Key")
		}
		sum, match := sha256.Sum256([]byte(given)), 0
		for i, own := range sums {
			match |= subtle.ConstantTimeCompare(sum[:], own[:]) * (i + 1)
		}
		if recordOf(r).key = match; match == 0 && len(s.Keys) > 0 && !openRoute(r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeError(w, &Error{Status: http.StatusUnauthorized, Type: typeAuth, Code: "invalid_api_key", Message: "this server wants an API key, as Authorization: Bearer KEY"}, errorForm(r))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkBody refuses bodies that are not JSON, which forms of other pages can send without asking, and bounds them.
func (s *Server) checkBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
				writeError(w, &Error{Status: http.StatusUnsupportedMediaType, Type: typeRequest, Message: "the body must be JSON, with Content-Type: application/json"}, errorForm(r))
				return
			}
			if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
				writeError(w, &Error{Status: http.StatusUnsupportedMediaType, Type: typeRequest, Message: "the body is packed as " + clip([]byte(e)) + "; send it as it is, without Content-Encoding"}, errorForm(r))
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// ownerOf tells clients apart whose requests are to take turns: by key and address, programs of one machine by their names too; behind a slash,
// which user a client asks for. These are hashes: what clients say may be long.
func ownerOf(r *http.Request, user string) string {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	client := fmt.Sprintf("%d %s", recordOf(r).key, host)
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		client += " " + r.UserAgent()
	}
	return fmt.Sprintf("%x/%x", sha256.Sum256([]byte(client)), sha256.Sum256([]byte(user)))
}
