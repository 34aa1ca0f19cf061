package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// short is a request that all sessions of these tests take.
func short(m *engine.Model, tokens int) decode.Request {
	return decode.Request{Prompt: randomTokens(m, 5, 1), Steps: 2, MaxTokens: tokens, Pick: decode.Filters{Greedy: true}}
}

// TestLoopCloses: closing ends what runs and what waits, and refuses what comes.
func TestLoopCloses(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	ends(t, m, engine.ErrLoopClosed, func(l *engine.Loop) { l.Close() })
}

// TestLoopDeviceLost: when the device is lost every stream ends with that.
func TestLoopDeviceLost(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	ends(t, m, vk.ErrDeviceLost, func(*engine.Loop) { vktest.Fail(dev, vktest.Submit, 2) })
}

// ends submits requests to a loop that two can run in, and has the loop end amid them, with an error.
func ends(t *testing.T, m *engine.Model, want error, end func(*engine.Loop)) {
	before := runtime.NumGoroutine()
	l := engine.NewLoop(batchSession(t, m, 2), engine.LoopOptions{Queue: 4})
	var streams []*engine.Stream
	for range 4 {
		s, err := l.Submit(context.Background(), short(m, 50), setting(0))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s)
	}
	for range streams[1].Tokens() {
		end(l)
		for i, s := range streams {
			if _, err := s.Outcome(); !errors.Is(err, want) {
				t.Errorf("stream %d ends with %v, want %v", i, err, want)
			}
		}
		break
	}
	if _, err := l.Submit(context.Background(), short(m, 5), setting(0)); !errors.Is(err, want) {
		t.Errorf("a request behind the end: %v, want %v", err, want)
	}
	l.Close()
	l.Close()
	noMoreGoroutines(t, before)
}

// TestLoopFull: requests that nobody reads do not hold up others, and one too many is refused.
func TestLoopFull(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	l := engine.NewLoop(batchSession(t, m, 1), engine.LoopOptions{Queue: 2})
	defer l.Close()
	var unread []*engine.Stream
	var err error
	for err == nil && len(unread) < 50 {
		var s *engine.Stream
		if s, err = l.Submit(context.Background(), short(m, 20), setting(0)); err == nil {
			unread = append(unread, s)
		}
	}
	if !errors.Is(err, engine.ErrLoopFull) {
		t.Fatalf("%d requests for one sequence and two places to wait: %v", len(unread), err)
	}
	last := unread[len(unread)-1]
	if got := read(last); got.err != nil || len(got.ids) != 20 {
		t.Errorf("behind requests that nobody reads: %d tokens, %v", len(got.ids), got.err)
	}
	bad := short(m, 3)
	bad.Prompt = nil
	s, err := l.Submit(context.Background(), bad, setting(0))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(s); got.err == nil {
		t.Error("a request without a prompt ends without an error")
	}
	if got := read(unread[0]); got.err != nil || len(got.ids) != 20 {
		t.Errorf("read late: %d tokens, %v", len(got.ids), got.err)
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	if s, err = l.Submit(ctx, short(m, 20), setting(0)); err != nil {
		t.Fatal(err)
	}
	for range s.Tokens() {
		leave()
	}
	if _, err := s.Outcome(); !errors.Is(err, context.Canceled) || l.Stats().Running != 0 {
		t.Errorf("the last one, which has left: %v, and %d run", err, l.Stats().Running)
	}
	expired, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	if _, err := l.Submit(expired, short(m, 3), setting(0)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its deadline: %v", err)
	}
}

// TestBatchNoRoom: requests that together hold more rows than there is room for give way to each other.
func TestBatchNoRoom(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	wave := decode.PaperWave
	wave.ExitThreshold, wave.MaxWavefront, wave.Patience = 0, 8, 6
	b := engine.NewBatch(session(t, m, engine.SessionOptions{Sequences: 3, Context: 32, MaxSteps: 8, Rows: 8, Outputs: 8, Compares: 8}))
	var ends []string
	for i := range 3 {
		req := decode.Request{Prompt: randomTokens(m, 3, uint64(i)), Steps: 8, MaxTokens: 6, Pick: decode.Filters{Greedy: true}, Strategy: decode.Strategy{Wave: &wave}}
		_, err := b.Add(req, setting(i), func(decode.Token) error { return nil }, func(_ decode.Outcome, err error) { ends = append(ends, fmt.Sprint(err)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ends, []string{"<nil>", "<nil>", "<nil>"}) {
		t.Errorf("three waves in a session with room for one end with %q", ends)
	}
}

// TestLoopPanics: a bug in one request ends that one, and others go on; one amid an iteration ends the loop.
func TestLoopPanics(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	l := engine.NewLoop(batchSession(t, m, 2), engine.LoopOptions{})
	submit := func(req decode.Request) *engine.Stream {
		s, err := l.Submit(context.Background(), req, setting(0))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	bad := short(m, 20)
	bad.Instead = func(e decode.Engine, seq int, emit func(decode.Token) error) (decode.Outcome, error) {
		return decode.Generate(e, m.Tokenizer, seq, short(m, 20), func(decode.Token) error { panic("planted") })
	}
	other, broken := submit(short(m, 20)), submit(bad)
	if got := read(broken); !planted(got.err) || errors.Is(got.err, engine.ErrLoopFailed) {
		t.Errorf("the request ends with %v", got.err)
	}
	if got := read(other); got.err != nil || len(got.ids) != 20 {
		t.Errorf("another one: %d tokens, %v", len(got.ids), got.err)
	}
	if got := read(submit(short(m, 5))); got.err != nil {
		t.Errorf("a later one: %v", got.err)
	}
	worse := short(m, 20)
	worse.Progress = func(int, int) { panic("planted") }
	other, broken = submit(short(m, 20)), submit(worse)
	for _, s := range []*engine.Stream{other, broken} {
		if got := read(s); !planted(got.err) || !errors.Is(got.err, engine.ErrLoopFailed) {
			t.Errorf("amid an iteration: %v", got.err)
		}
	}
	if _, err := l.Submit(context.Background(), short(m, 5), setting(0)); !errors.Is(err, engine.ErrLoopFailed) {
		t.Errorf("a request behind it: %v", err)
	}
	l.Close()
	l = engine.NewLoop(batchSession(t, m, 2), engine.LoopOptions{})
	l.Break()
	if got := read(submit(short(m, 5))); !errors.Is(got.err, engine.ErrLoopFailed) {
		t.Errorf("a request that a bug keeps from beginning: %v", got.err)
	}
	l.Close()
}

// planted tells whether an error is a bug of this test, and where it is.
func planted(err error) bool {
	p := (*engine.Panic)(nil)
	return errors.As(err, &p) && p.Value == "planted" && strings.Contains(string(p.Stack), "TestLoopPanics")
}
