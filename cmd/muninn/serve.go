package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muninn/cmd/muninn/cli"
	"muninn/cmd/muninn/serve"
	"muninn/cmd/muninn/web"
)

type serveOptions struct {
	decodeOptions

	Depth     int // num_steps where a request does not say; -1: the model's
	MaxSteps  int
	Parallel  int
	Positions int
	Queue     int

	Host    string
	Port    int
	APIKey  string
	Origins []string
	Hosts   []string
	Metrics string
	Log     string
	NoUI    bool

	prefill bool // a request's criterion may end the core steps of prompts too

	listening func(url string) // told where; nil: it is printed
}

func (o *serveOptions) addFlags(fs *pflag.FlagSet) {
	cli.Group(fs, "Network", func() {
		fs.StringVar(&o.Host, "host", "127.0.0.1", "`address` to listen on; one that other machines can reach needs --api-key")
		fs.IntVar(&o.Port, "port", 8080, "port to listen on; 0: any that is free, which is printed")
		fs.StringVar(&o.APIKey, "api-key", "", "`keys`, separated by commas, of which each request must send one; better set as MUNINN_API_KEY, as other users can see command lines")
		fs.StringArrayVar(&o.Origins, "cors-origin", nil, "exact `origin` of pages that may send requests, as in http://localhost:3000; may be given several times")
		fs.StringArrayVar(&o.Hosts, "allow-host", nil, "`name` by which clients call this machine, besides localhost and addresses; may be given several times")
		cli.ChoiceVar(fs, &o.Metrics, "metrics", "auto", []string{"auto", "on", "off"}, "/metrics, for Prometheus; auto: where only this machine can ask")
		fs.BoolVar(&o.NoUI, "no-ui", false, "show no page at /")
		cli.ChoiceVar(fs, &o.Log, "log-format", "text", []string{"text", "json"}, "how requests and events are logged to standard error")
	})
	cli.Group(fs, "Requests", func() {
		fs.IntVar(&o.Parallel, "parallel", 4, "requests that run side by side; memory is planned for that many, each with --ctx positions")
		fs.IntVar(&o.Positions, "positions", 0, "positions of the KV cache of all requests and kept texts together")
		fs.Lookup("positions").DefValue = "--parallel times --ctx"
		fs.IntVar(&o.Queue, "queue", 64, "requests that may wait; more are refused with 503 and Retry-After")
		fs.BoolVar(&o.ParseSpecial, "parse-special", false, "read special tokens that are spelt out in prompts and messages; not with text from strangers")
		cli.Advanced(fs, "parse-special", "positions")
	})
	cli.Group(fs, "Sampling, when a request does not say", func() { o.filterOptions.addFlags(fs) })
	cli.Group(fs, "Depth", func() {
		fs.IntVarP(&o.Depth, "num-steps", "r", -1, "core steps (loops) of each token when a request names no depth")
		fs.Lookup("num-steps").DefValue = ownDepth
		fs.IntVar(&o.MaxSteps, "max-steps", 0, "most core steps that a request may ask for; the KV cache is planned for them")
		fs.Lookup("max-steps").DefValue = "twice the model's mean_recurrence; for a model of fixed depth, its own"
	})
	o.strategyOptions.addFlags(fs, false)
	o.machineFlags(fs)
	fs.Lookup("ctx").DefValue = "4096, at most the model's block_size"
}

func serveCommand() *cli.Command {
	o := &serveOptions{}
	return &cli.Command{
		Name: "serve", Args: "MODEL...", Min: 1, Max: -1,
		Summary: "serve models over HTTP, with OpenAI's and Anthropic's APIs",
		Detail: `MODEL is what "muninn run" takes. The first one is opened at once, the others when a request names them; when the
device's memory cannot hold all, the one unused for longest is closed. The memory of each is planned and printed before
anything is loaded, and nothing is allocated while requests run: those that do not fit wait, or are refused. The demo
does not chat: it continues text at /v1/completions.

Routes: /v1/chat/completions, /v1/completions (echo, log probabilities of prompts, ids), /v1/responses (nothing is
stored), Anthropic's /v1/messages with count_tokens, /v1/models, /tokenize, /detokenize, /tokenizer_info, /health,
/metrics, /props; /v1/trace, which records each core step; and at / a page to chat, compare depths and see those records
drawn. Features that no model here has (tools, images, schemas) are refused by name.

Depth is a field of each request: num_steps, criterion, exit_threshold, min_steps, continuous_compute, init_scale; or
reasoning_effort, reasoning.effort or output_config.effort (none, minimal, low, medium, high, xhigh, max: 4, 4, 8, 32,
64, 128 and 128 core steps of a Huginn, never more than --max-steps); thinking.budget_tokens (up to 1024 low, 4096
medium, 16384 high, else xhigh); or the model's name: huginn-0125:r8. With return_steps, answers list the core steps
of each token.

Clients take turns. A request ends when its client disconnects. On Ctrl-C the server takes no more requests and gives
running ones five seconds; a second Ctrl-C ends it at once.

Only this machine can reach the server, unless --host names another address and --api-key is set. Pages of other origins
are refused unless --cors-origin names them.`,
		Examples: []string{
			"muninn serve demo",
			"muninn serve ~/huginn-0125 ~/ouro-1.4b --parallel 8 --ctx 2048",
			"MUNINN_API_KEY=secret muninn serve ~/huginn-0125 --host 0.0.0.0 --allow-host box.lan",
			"muninn serve ~/huginn-0125 --plan",
		},
		Flags: o.addFlags,
		Run: func(ctx context.Context, s *cli.Streams, args []string) error {
			return serveModels(ctx, s, o, args)
		},
	}
}

// check refuses options that cannot be.
func (o *serveOptions) check() (keys []string, err error) {
	for key := range strings.SplitSeq(o.APIKey, ",") {
		if key = strings.TrimSpace(key); key != "" {
			keys = append(keys, key)
		}
	}
	ip := net.ParseIP(strings.Trim(o.Host, "[]"))
	local := o.Host == "localhost" || ip != nil && ip.IsLoopback()
	if o.Metrics == "auto" {
		if o.Metrics = "off"; local {
			o.Metrics = "on"
		}
	}
	switch {
	case !local && len(keys) == 0:
		return nil, cli.Usage("--host %s: other machines can reach it: set MUNINN_API_KEY, or --api-key, to the key that they must have", o.Host)
	case o.Port < 0 || o.Port > 1<<16-1:
		return nil, cli.Usage("--port %d: want 0 to %d", o.Port, 1<<16-1)
	case o.Parallel < 1 || o.Parallel > 256:
		return nil, cli.Usage("--parallel %d: want 1 to 256", o.Parallel)
	case o.Queue < 0 || o.Queue > 1<<16:
		return nil, cli.Usage("--queue %d: want 0 to %d", o.Queue, 1<<16)
	case o.Positions < 0:
		return nil, cli.Usage("--positions %d: want 0 or more", o.Positions)
	case o.MaxSteps < 0:
		return nil, cli.Usage("--max-steps %d: want 1 or more", o.MaxSteps)
	case o.InitScale < 0 || o.InitScale > maxInitScale:
		return nil, cli.Usage("--init-scale %g: want 0 to %g", o.InitScale, float64(maxInitScale))
	}
	return keys, nil
}

// serveModels serves until ctx ends.
func serveModels(ctx context.Context, s *cli.Streams, o *serveOptions, names []string) error {
	keys, err := o.check()
	if err != nil {
		return err
	}
	log := o.logger(s)
	specs, memory, err := o.specs(ctx, s, log, names)
	if err != nil || o.asked() {
		return err
	}
	models := serve.NewManager(specs, memory, func(text string, err error) {
		if err != nil {
			log.Error(text, "error", err.Error())
		} else {
			log.Info(text)
		}
	})
	defer models.Close()
	server, err := serve.New(serve.Options{Models: models, Keys: keys, Origins: o.Origins, Hosts: append(o.Hosts, o.Host), Metrics: o.Metrics == "on", Version: thisBuild().Version, Log: log,
		Routes: o.routes})
	if err != nil {
		return cli.AsUsage(err)
	}
	listener, err := serve.Listen(strings.Trim(o.Host, "[]"), o.Port)
	if err != nil {
		return err
	}
	s.Linger(serve.Grace + 2*time.Second)
	url := serve.URL(listener.Addr())
	if fmt.Fprintln(s.Out, url); o.listening != nil {
		o.listening(url)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // what cannot be served ends the server, by its error
		_, _, release, err := models.Acquire(ctx, "")
		if err != nil {
			cancel(err)
			return
		}
		release()
	}()
	err = server.Serve(ctx, listener)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// routes are those beside the server's own: the page.
func (o *serveOptions) routes(mux *http.ServeMux, _ *serve.Server) {
	if !o.NoUI {
		mux.Handle("GET /{$}", web.Handler())
	}
}

// logger logs to standard error; when quiet, only what is wrong.
func (o *serveOptions) logger(s *cli.Streams) *slog.Logger {
	h := &slog.HandlerOptions{Level: slog.LevelInfo}
	if s.Quiet {
		h.Level = slog.LevelWarn
	}
	if o.Log == "json" {
		s.Quiet = true // every line is an object
		return slog.New(slog.NewJSONHandler(s.Err, h))
	}
	return slog.New(slog.NewTextHandler(s.Err, h))
}
