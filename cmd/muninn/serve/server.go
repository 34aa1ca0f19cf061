package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Options say how a server answers, and whom.
type Options struct {
	Models  *Manager
	Keys    []string // one of which a request must have; none: all may ask
	Origins []string // of pages that may ask, exactly: scheme, host and port
	Hosts   []string // names of this server, besides localhost and addresses
	Metrics bool     // /metrics is there
	Version string
	Log     *slog.Logger
	// Routes registers further routes, such as a page; nil: there are none.
	Routes func(mux *http.ServeMux, s *Server)
}

// Server answers requests.
type Server struct {
	Options
	began    time.Time
	counters *counters
	handler  http.Handler
	stopping context.Context // ends what runs
	stop     context.CancelFunc
	draining atomic.Bool   // no more is taken
	active   atomic.Int64  // requests that run
	reading  chan struct{} // taken by a large text that is tokenized
}

// New makes a server.
func New(o Options) (*Server, error) {
	for _, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host || strings.Contains(origin, "*") {
			return nil, fmt.Errorf("serve: --cors-origin %q is not an origin: want a scheme, a host and a port, as in http://localhost:3000", origin)
		}
	}
	s := &Server{Options: o, began: time.Now(), counters: newCounters(o.Models), reading: make(chan struct{}, 1)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	for _, d := range dialects {
		mux.HandleFunc("POST "+d.Path, s.answer(d))
	}
	mux.HandleFunc("POST "+anthropicPath+"/count_tokens", s.with(countTokens))
	mux.HandleFunc("GET /v1/models", s.listModels)
	mux.HandleFunc("GET /v1/models/{id...}", s.oneModel)
	mux.HandleFunc("POST /tokenize", s.with(tokenize))
	mux.HandleFunc("POST /detokenize", s.with(detokenize))
	mux.HandleFunc("GET /tokenizer_info", s.with(tokenizerInfo))
	mux.HandleFunc("GET /props", s.with(s.props))
	mux.HandleFunc("GET /health", s.health)
	mux.HandleFunc("GET /v1/health", s.health)
	if o.Metrics {
		mux.HandleFunc("GET /metrics", s.metrics)
	}
	if o.Routes != nil {
		o.Routes(mux, s)
	}
	mux.HandleFunc("/", noRoute(mux))
	s.handler = s.guarded(mux)
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// noRoute answers where there is no route, or one for another method.
func noRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e := &Error{Status: http.StatusNotFound, Type: typeRequest, Code: "unknown_url", Message: "there is no " + clip([]byte(r.Method+" "+r.URL.Path)) + " here"}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			other := &http.Request{Method: method, URL: &url.URL{Path: r.URL.Path}, Host: r.Host}
			if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
				w.Header().Add("Allow", method)
				e.Status, e.Code = http.StatusMethodNotAllowed, "method_not_allowed"
				e.Message = clip([]byte(r.URL.Path)) + " takes " + method + ", not " + clip([]byte(r.Method))
			}
		}
		writeError(w, e, errorForm(r))
	}
}

// Grace is how long requests that run may take to end when the server stops.
const Grace = 5 * time.Second

// Serve answers what comes to a listener until ctx ends; then it takes no more, and gives what runs five seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 60 * time.Second, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return s.stopping }}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }()
	select {
	case err := <-served:
		s.stop()
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.Log.Info("stopping", "grace", Grace.String())
	shut := make(chan error, 1)
	go func() { shut <- h.Shutdown(context.Background()) }()
	s.drained(Grace)
	s.stop()
	s.drained(time.Second) // their last words
	select {
	case err := <-shut:
		return err
	case <-time.After(100 * time.Millisecond): // connections that never asked anything, as browsers keep ready
		return h.Close()
	}
}

// drained waits until no request is left, at most so long.
func (s *Server) drained(most time.Duration) {
	for end := time.Now().Add(most); s.active.Load() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// Listen opens a port; 0 takes a free one. Where it is taken, the error names the next that is not.
func Listen(host string, port int) (net.Listener, error) {
	network := "tcp"
	if net.ParseIP(host).To4() != nil {
		network = "tcp4" // else 0.0.0.0 would be every address of IPv6 too
	}
	at := func(port int) (net.Listener, error) {
		return net.Listen(network, net.JoinHostPort(host, fmt.Sprint(port)))
	}
	l, err := at(port)
	if err == nil {
		return l, nil
	}
	if !slices.ContainsFunc(inUse, func(e error) bool { return errors.Is(err, e) }) {
		return nil, fmt.Errorf("serve: cannot listen: %w; --host takes an address of this machine, --port one that you may use", err)
	}
	for next := port + 1; next <= min(port+50, 1<<16-1); next++ {
		if other, free := at(next); free == nil {
			other.Close()
			return nil, fmt.Errorf("serve: port %d of %s is in use by another program; --port %d is free, --port 0 takes any", port, host, next)
		}
	}
	return nil, fmt.Errorf("serve: port %d of %s is in use by another program; --port 0 takes a free one", port, host)
}

// URL is where this machine's programs reach what listens at an address.
func URL(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		own := net.IPv6loopback
		if tcp.IP.To4() != nil {
			own = net.IPv4(127, 0, 0, 1)
		}
		at = &net.TCPAddr{IP: own, Port: tcp.Port}
	}
	return "http://" + at.String()
}

// inUse are what systems say of a port that is taken; the number is Windows'.
var inUse = []error{syscall.EADDRINUSE, syscall.Errno(10048)}
