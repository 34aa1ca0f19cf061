package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestPagesRunShort: requests that need more pages than there are take turns, and each gives what it gives alone, once; one that would
// need all and more ends where the pages do.
func TestPagesRunShort(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	o := batchOptions(6)
	o.Positions = 96 // three pages
	s := session(t, m, o)
	var requests []decode.Request
	var want []came
	for i, req := range mixed(t, m) {
		req.Prompt, req.MaxTokens = randomTokens(m, 20, uint64(i)), 24 // two pages, the second late
		var alone came
		alone.ids, alone.steps = aloneIn(t, m, req)
		requests, want = append(requests, req), append(want, alone)
	}
	l := engine.NewLoop(s, engine.LoopOptions{})
	defer l.Close()
	var streams []*engine.Stream
	for _, req := range requests {
		stream, err := l.Submit(context.Background(), req, setting(0))
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, stream)
	}
	for i, stream := range streams {
		if got := read(stream); got.err != nil || !slices.Equal(got.ids, want[i].ids) || !slices.Equal(got.steps, want[i].steps) {
			t.Errorf("request %d: %v of %v steps, %v; alone %v of %v", i, got.ids, got.steps, got.err, want[i].ids, want[i].steps)
		}
	}
	stats := l.Stats()
	if stats.GaveWay == 0 {
		t.Error("no request gave way: nothing is shown")
	}
	if stats.Running != 0 || stats.Waiting != 0 || stats.Requests != uint64(len(requests)) || stats.KVAll == 0 {
		t.Errorf("stats %+v after %d requests", stats, len(requests))
	}
}

// aloneIn gives what a request gives in a session of its own.
func aloneIn(t *testing.T, m *engine.Model, req decode.Request) (ids []int32, steps []int) {
	t.Helper()
	s := session(t, m, batchOptions(1))
	defer s.Close()
	s.SetSequence(0, setting(0))
	if _, err := m.Generate(context.Background(), s, 0, req, collect(&ids, &steps)); err != nil {
		t.Fatal(err)
	}
	return ids, steps
}

// TestOwnersTakeTurns: a request of somebody who has none under way begins before those of one who has, and where nobody has, that of
// who has not had a turn for longest.
func TestOwnersTakeTurns(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
	testTurns(t, m, 1, "a0", "b4", "c5", "a1", "a2", "a3")
	testTurns(t, m, 2, "a0", "b4", "c5", "a1", "a2", "a3")
	testTurns(t, m, 3, "a0", "b4", "c5", "a1", "a2", "a3")
}

func testTurns(t *testing.T, m *engine.Model, sequences int, want ...string) {
	l := engine.NewLoop(batchSession(t, m, sequences), engine.LoopOptions{})
	defer l.Close()
	var order []string // written on the loop's goroutine
	var streams []*engine.Stream
	began := make(chan bool)
	gate := short(m, 1)
	gate.Instead = func(decode.Engine, int, func(decode.Token) error) (decode.Outcome, error) { // until all have come
		go func() {
			for i, owner := range []string{"a", "a/2", "a/3", "a/4", "b", "c"} { // who asks for others has no more turns for it
				req := short(m, 6)
				req.Owner = owner
				owner = owner[:1]
				first := true
				req.Progress = func(done, _ int) {
					if first {
						order = append(order, fmt.Sprint(owner, i))
					}
					first = false
				}
				stream, err := l.Submit(context.Background(), req, setting(0))
				if err != nil {
					t.Error(err)
				}
				streams = append(streams, stream)
			}
			close(began)
		}()
		<-began
		return decode.Outcome{}, nil
	}
	if first, err := l.Submit(context.Background(), gate, setting(0)); err != nil {
		t.Fatal(err)
	} else if _, err := first.Outcome(); err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if _, err := s.Outcome(); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(order, want) {
		t.Errorf("%d at once: requests began in the order %v, want %v", sequences, order, want)
	}
}
