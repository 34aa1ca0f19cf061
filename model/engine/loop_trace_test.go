package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/trace"
	"muninn/vk"
	"muninn/vk/vktest"
)

// recorded is a request that is traced, and what gives its trace once it has ended.
func recorded(t *testing.T, m *engine.Model, tokens int) (decode.Request, func() string) {
	t.Helper()
	var b *trace.Builder
	req := short(m, tokens)
	job := trace.Job{Request: req, State: setting(0), Starts: 3, At: -1}
	req.Instead = func(e decode.Engine, seq int, emit func(decode.Token) error) (decode.Outcome, error) {
		b, _ = trace.NewBuilder(trace.Trace{}, trace.Options{Width: m.Config.NEmbd, Components: 2})
		job.Emit = emit
		return b.Record(e.(trace.Engine), seq, job)
	}
	return req, func() string {
		all, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(all)
		return string(text)
	}
}

// TestTracesTakeTurns: while a long text is traced another's tokens come, and neither changes the other.
func TestTracesTakeTurns(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	l := engine.NewLoop(batchSession(t, m, 3), engine.LoopOptions{})
	defer l.Close()
	long, pictures := recorded(t, m, 12)
	other := short(m, 6)
	other.Prompt = randomTokens(m, 9, 4)
	var alone [2]came
	for i, req := range []decode.Request{long, other} {
		stream, err := l.Submit(context.Background(), req, setting(0))
		if err != nil {
			t.Fatal(err)
		}
		alone[i] = read(stream)
	}
	want := pictures()
	var order strings.Builder // written on the loop's goroutine
	var second *engine.Stream
	run := long.Instead
	long.Instead = func(e decode.Engine, seq int, emit func(decode.Token) error) (decode.Outcome, error) {
		return run(e, seq, func(token decode.Token) (err error) {
			if second == nil {
				req := other
				req.Instead = func(e decode.Engine, seq int, emit func(decode.Token) error) (decode.Outcome, error) {
					return decode.Generate(e, m.Tokenizer, seq, other, func(token decode.Token) error { order.WriteByte('b'); return emit(token) })
				}
				second, err = l.Submit(context.Background(), req, setting(0))
			}
			order.WriteByte('a')
			return errors.Join(err, emit(token))
		})
	}
	first, err := l.Submit(context.Background(), long, setting(0))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range []func() *engine.Stream{func() *engine.Stream { return first }, func() *engine.Stream { return second }} {
		if got := read(s()); got.err != nil || !slices.Equal(got.ids, alone[i].ids) {
			t.Errorf("request %d beside the other: %v, %v; alone %v", i, got.ids, got.err, alone[i].ids)
		}
	}
	if got := pictures(); got != want {
		t.Errorf("beside another the trace is\n%.500s\nalone\n%.500s", got, want)
	}
	if text := order.String(); strings.LastIndex(text, "b") > strings.LastIndex(text, "a") || strings.Count(text, "b") < 6 {
		t.Errorf("tokens come as %s: another's come once the trace has ended", text)
	}
}
