package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"time"

	"muninn/cmd/muninn/cli"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/vk"
)

// tally counts what a run takes.
type tally struct {
	dev           *vk.Device
	prompt        int
	held          int // of the prompt, that did not run
	loading       time.Duration
	before        vk.Counters
	start, answer time.Time // of the prompt, of the first token
	tokens        int
	pace
	steps int     // core steps of the tokens
	most  int     // of one token
	ids   []int32 // of the tokens
}

func (t *tally) token(token decode.Token) {
	if t.tokens == 0 {
		t.answer = time.Now()
	}
	if token.Token >= 0 {
		t.pace.token(time.Now(), t.dev.Counters())
		t.tokens++
		t.steps += token.Steps
		t.most = max(t.most, token.Steps)
		t.ids = append(t.ids, token.Token)
	}
}

// pace measures the rate of tokens by the time between one and the next. Tokens whose passes recorded a program are left out, as is
// the first: what is compiled for one depth would be found ready by the next.
type pace struct {
	began  bool
	clean  bool // the passes since the tokens before recorded nothing
	last   time.Time
	count  vk.Counters // at last
	tokens int         // measured
	time   time.Duration
}

// token counts one that comes now. Several may come of the same passes.
func (p *pace) token(now time.Time, c vk.Counters) {
	if c.Submissions != p.count.Submissions || !p.began {
		p.clean = p.began && c.Recordings == p.count.Recordings
	}
	if p.clean {
		p.tokens++
		p.time += now.Sub(p.last)
	}
	p.began, p.last, p.count = true, now, c
}

// rate is tokens a second; nil where too few came to tell.
func (p *pace) rate() *float64 {
	r := rate(p.tokens, p.time.Seconds())
	if r == 0 {
		return nil
	}
	return &r
}

// summary is the last object of --json. Counters leave the loading of the weights out.
type summary struct {
	Finish       decode.Finish `json:"finish_reason"`
	PromptTokens int           `json:"prompt_tokens"`
	Held         int           `json:"held_tokens,omitempty"` // of the prompt, that did not run
	Tokens       int           `json:"tokens"`
	Steps        int           `json:"num_steps"`
	Seed         uint64        `json:"seed"`

	depthSummary
	Plain *plainSummary `json:"plain,omitempty"` // the same prompt decoded plainly

	Seconds       float64  `json:"seconds"` // of prompt and answer
	LoadSeconds   float64  `json:"load_seconds"`
	PromptSeconds float64  `json:"prompt_seconds"` // up to the first token
	AnswerSeconds float64  `json:"answer_seconds"`
	PromptRate    float64  `json:"prompt_tokens_per_second"`
	AnswerRate    *float64 `json:"tokens_per_second"` // of the tokens after the first whose passes recorded no program; null: none

	Device      string `json:"device"`
	Dispatches  uint64 `json:"dispatches"`
	Submissions uint64 `json:"submissions"`
	Recordings  uint64 `json:"recordings"`
	BytesUp     uint64 `json:"bytes_up"`
	BytesDown   uint64 `json:"bytes_down"`
	DeviceBytes uint64 `json:"device_bytes"`       // allocated, weights included
	KVBytes     uint64 `json:"kv_bytes,omitempty"` // of a chat, in use
	LogitsHash  string `json:"logits_hash"`        // of the last logits, to compare runs by; empty when there are none

	timings []vk.Timing
}

// close ends the count. The session must not have been closed yet.
func (t *tally) close(s *engine.Session, out decode.Outcome, req decode.Request) summary {
	end, now := time.Now(), t.dev.Counters()
	sum := summary{
		Finish: out.Finish, PromptTokens: t.prompt, Held: t.held, Tokens: t.tokens, Steps: req.Steps, Seed: req.Pick.Seed, depthSummary: depthOf(t, out, req),
		Seconds: end.Sub(t.start).Seconds(), LoadSeconds: t.loading.Seconds(), Device: describe(t.dev.Caps()),
		Dispatches: now.Dispatches - t.before.Dispatches, Submissions: now.Submissions - t.before.Submissions,
		Recordings: now.Recordings - t.before.Recordings, BytesUp: now.BytesUp - t.before.BytesUp,
		BytesDown: now.BytesDown - t.before.BytesDown, DeviceBytes: now.DeviceBytes, timings: t.dev.Timings(),
	}
	if t.tokens > 0 {
		sum.PromptSeconds, sum.AnswerSeconds = t.answer.Sub(t.start).Seconds(), end.Sub(t.answer).Seconds()
		sum.PromptRate = rate(t.prompt-t.held, sum.PromptSeconds)
		sum.AnswerRate = t.pace.rate()
	}
	if out.Finish == "interrupted" {
		return sum // the logits may be half done
	}
	if logits, err := s.Logits(); err == nil && len(logits) > 0 {
		sum.LogitsHash = hashLogits(logits[len(logits)-1])
	}
	return sum
}

func rate(n int, seconds float64) float64 {
	if n <= 0 || seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}

// hashLogits is FNV-1a over the float32 bits.
func hashLogits(logits []float32) string {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, logits) // a hash takes everything
	return fmt.Sprintf("%016x", h.Sum64())
}

// printStats writes the summary for people. perToken is the bytes of weights that a pass of one token reads.
func printStats(w io.Writer, s summary, perToken float64) {
	fmt.Fprintf(w, "load    %.2f s\n", s.LoadSeconds)
	fmt.Fprintf(w, "prompt  %s in %.3f s, %.1f tok/s\n", cli.Plural(s.PromptTokens, "token"), s.PromptSeconds, s.PromptRate)
	fmt.Fprintf(w, "answer  %s, %.3f s after the first one; weights %.1f MB a token at %d steps\n",
		cli.Plural(s.Tokens, "token"), s.AnswerSeconds, perToken/1e6, s.Steps)
	if r := s.AnswerRate; r != nil {
		fmt.Fprintf(w, "rate    %.2f tok/s, weights %.2f GB/s; without the first token and those for which programs were recorded\n",
			*r, *r*perToken/1e9)
	}
	fmt.Fprintf(w, "device  %s, %s allocated\n", s.Device, cli.Size(s.DeviceBytes))
	fmt.Fprintf(w, "counts  %d dispatches, %d submissions, %d recordings, %d bytes up, %d bytes down\n",
		s.Dispatches, s.Submissions, s.Recordings, s.BytesUp, s.BytesDown)
	fmt.Fprintf(w, "ended   by %s; logits hash %s\n", s.Finish, s.LogitsHash)
}

// printProfile writes the device time of each kernel, longest first.
func printProfile(s *cli.Streams, timings []vk.Timing) {
	if len(timings) == 0 {
		fmt.Fprintln(s.Err, "profile: this device has no timestamps")
		return
	}
	t := cli.NewTable(s, s.Err, "KERNEL", "COUNT", "TOTAL", "MEAN", "GB/S")
	for _, k := range timings {
		gbs := "-"
		if k.Total > 0 {
			gbs = fmt.Sprintf("%.2f", float64(k.Cost.Bytes)/k.Total.Seconds()/1e9)
		}
		t.Row(k.Kernel, k.Count, k.Total.Round(time.Microsecond), (k.Total / time.Duration(max(k.Count, 1))).Round(10*time.Nanosecond), gbs)
	}
	t.Print()
}
