package serve

import (
	"fmt"
	"math"
	"net/http"

	"github.com/VictoriaMetrics/metrics"

	"muninn/model/engine"
)

// counters are the server's metrics.
type counters struct {
	set            *metrics.Set
	prompt, cached *metrics.Counter // tokens
	tokens, steps  *metrics.Counter
	broken         *metrics.Counter // numbers that were none
	first          *metrics.Histogram
	between        *metrics.Histogram
}

// newCounters begins to count. What models say of themselves is asked for when somebody looks.
func newCounters(models *Manager) *counters {
	set := metrics.NewSet()
	c := &counters{set: set, prompt: set.NewCounter("muninn_prompt_tokens_total"), cached: set.NewCounter("muninn_prompt_tokens_cached_total"),
		tokens: set.NewCounter("muninn_generated_tokens_total"), steps: set.NewCounter("muninn_core_steps_total"), broken: set.NewCounter("muninn_logprobs_not_a_number_total"),
		first: set.NewHistogram("muninn_first_token_seconds"), between: set.NewHistogram("muninn_token_seconds")}
	for i, about := range models.Status() {
		gauge := func(name string, of func(engine.LoopStats) float64) {
			set.NewGauge(fmt.Sprintf("%s{model=%q}", name, about.ID), func() float64 {
				if now := models.Status()[i]; now.Open {
					return of(now.About.Engine.Stats())
				}
				return 0
			})
		}
		gauge("muninn_model_open", func(engine.LoopStats) float64 { return 1 })
		gauge("muninn_requests_running", func(s engine.LoopStats) float64 { return float64(s.Running) })
		gauge("muninn_requests_waiting", func(s engine.LoopStats) float64 { return float64(s.Waiting) })
		gauge("muninn_kv_bytes_used", func(s engine.LoopStats) float64 { return float64(s.KVUsed) })
		gauge("muninn_kv_bytes", func(s engine.LoopStats) float64 { return float64(s.KVAll) })
	}
	return c
}

// request counts a request that has been answered.
func (c *counters) request(l *record) {
	c.set.GetOrCreateCounter(fmt.Sprintf("muninn_requests_total{route=%q,status=%q}", l.route, fmt.Sprint(l.status))).Inc()
	c.set.GetOrCreateHistogram(fmt.Sprintf("muninn_request_seconds{route=%q}", l.route)).UpdateDuration(l.began)
}

// count notes what an answer took.
func (s *Server) count(l *record, r *Result) {
	u := r.usage()
	l.model, l.prompt, l.cached, l.tokens = r.Model.ID, u.Prompt, u.Details.Cached, u.Completion
	c := s.counters
	c.prompt.Add(u.Prompt)
	c.cached.Add(u.Details.Cached)
	c.tokens.Add(u.Completion)
	c.steps.Add(u.CoreSteps)
	if !r.first.IsZero() {
		c.first.Update(r.first.Sub(r.began).Seconds())
		if u.Completion > 1 {
			c.between.Update(r.ended.Sub(r.first).Seconds() / float64(u.Completion-1))
		}
	}
	broken := 0
	for _, choice := range r.Choices {
		for _, t := range choice.Tokens {
			if math.IsNaN(float64(t.LogProb)) {
				broken++
			}
		}
		for _, p := range choice.Out.Prompt {
			if math.IsNaN(float64(p.LogProb)) {
				broken++
			}
		}
	}
	if broken > 0 {
		c.broken.Add(broken)
		s.Log.Error("log probabilities that are no numbers: the weights or a kernel are broken; run `muninn check` on this device", "id", l.id, "tokens", broken)
	}
}

func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.counters.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}
