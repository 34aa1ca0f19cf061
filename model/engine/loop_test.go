package engine_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// loopRequests are requests of all strategies and of different depths, whose prompts begin with the same few texts.
func loopRequests(t *testing.T, m *engine.Model, n int) []decode.Request {
	kinds := mixed(t, m)
	list := make([]decode.Request, n)
	for i := range list {
		list[i] = kinds[i%len(kinds)]
		if i/len(kinds)%2 == 0 {
			list[i].Steps = 12
			if exit := list[i].Strategy.Exit; exit != nil {
				other := *exit
				other.Prefill = false
				list[i].Strategy.Exit = &other
			}
		}
		list[i].Prompt = slices.Concat(randomTokens(m, 9, uint64(i/len(kinds)%4/2)), randomTokens(m, 1+i%3, uint64(i%4)))
	}
	return list
}

// came is what has come of a request.
type came struct {
	ids   []int32
	steps []int
	out   decode.Outcome
	err   error
}

// read reads a stream to its end.
func read(s *engine.Stream) (a came) {
	for token := range s.Tokens() {
		_ = collect(&a.ids, &a.steps)(token)
	}
	a.out, a.err = s.Outcome()
	return a
}

// TestLoop: of many requests that goroutines submit at once, a third is cancelled at some moment; the others give what each gives
// alone, and nothing is left behind.
func TestLoop(t *testing.T) {
	n := testSize(t, "MUNINN_TEST_REQUESTS", 200, 60)
	const kinds = 60
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{Kernels: shaders.Options{Activations: shaders.FloatActivations}})
	requests := loopRequests(t, m, min(n, kinds))
	want := make([]came, len(requests))
	for i, req := range requests {
		want[i].ids, want[i].steps = alone(t, m, req, 0)
	}
	for name, paged := range map[string]bool{"room of their own": false, "pages": true} {
		t.Run(name, func(t *testing.T) { testLoop(t, m, requests, want, n, paged) })
	}
}

func testLoop(t *testing.T, m *engine.Model, requests []decode.Request, want []came, n int, paged bool) {
	const goroutines = 16
	dev := m.Device()
	o := batchOptions(6)
	if paged {
		o.Positions = o.Sequences * o.Context
	}
	s := session(t, m, o)
	goroutinesBefore, bytes := runtime.NumGoroutine(), dev.Counters().DeviceBytes
	l := engine.NewLoop(s, engine.LoopOptions{Queue: n})
	var held, done, gone counter
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 9))
			for i := g; i < n; i += goroutines {
				k := i % len(requests)
				ctx, cancel := context.WithCancel(context.Background())
				stream, err := l.Submit(ctx, requests[k], setting(0))
				if err != nil {
					t.Error(err)
				} else if i%3 == 2 {
					cancelAt(stream, cancel, rng)
					if _, err := stream.Outcome(); errors.Is(err, context.Canceled) {
						gone.add(1)
					} else if err != nil {
						t.Errorf("request %d, cancelled, ended with %v", i, err)
					}
				} else if got := read(stream); got.err != nil || !slices.Equal(got.ids, want[k].ids) || !slices.Equal(got.steps, want[k].steps) {
					t.Errorf("request %d with %d of %d tokens held: %v of %v steps, %v; alone %v of %v", i, got.out.Held, len(requests[k].Prompt),
						got.ids, got.steps, got.err, want[k].ids, want[k].steps)
				} else {
					held.add(got.out.Held)
					done.add(1)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if live := s.LiveRows(); live != 0 {
		t.Errorf("%d rows are live after the last request", live)
	}
	l.Close()
	if after := dev.Counters().DeviceBytes; after > bytes {
		t.Errorf("%d bytes on the device, before the loop %d", after, bytes)
	}
	noMoreGoroutines(t, goroutinesBefore)
	t.Logf("%d requests done, of whose prompts %d tokens were held; %d cancelled before their end", done.n, held.n, gone.n)
	if held.n == 0 || gone.n == 0 {
		t.Error("nothing was held, or nothing cancelled: nothing is shown")
	}
}

// cancelAt cancels a request at once, after some time, or by breaking off after some tokens.
func cancelAt(s *engine.Stream, cancel func(), rng *rand.Rand) {
	switch rng.IntN(3) {
	case 0:
		cancel()
	case 1:
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		cancel()
	default:
		left := rng.IntN(4)
		for range s.Tokens() {
			if left--; left < 0 {
				break
			}
		}
	}
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add(n int) { c.mu.Lock(); c.n += n; c.mu.Unlock() }

func noMoreGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, before the loop %d", runtime.NumGoroutine(), before)
}

// TestLoopHolds: a conversation's next turn goes on where the sequence is that holds it, and the others keep theirs.
func TestLoopHolds(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{Kernels: shaders.Options{Activations: shaders.FloatActivations}})
	l := engine.NewLoop(batchSession(t, m, 3), engine.LoopOptions{})
	defer l.Close()
	texts := map[int][]int32{}
	for turn := range 4 {
		for c := range 3 {
			req := short(m, 4)
			req.Prompt = slices.Concat(texts[c], randomTokens(m, 6, uint64(10*c+turn)))
			s, err := l.Submit(context.Background(), req, setting(0))
			if err != nil {
				t.Fatal(err)
			}
			got := read(s)
			want, _ := alone(t, m, req, 0)
			if got.err != nil || !slices.Equal(got.ids, want) {
				t.Errorf("turn %d of conversation %d: %v, %v; alone %v", turn, c, got.ids, got.err, want)
			}
			if held := max(len(texts[c])-1, 0); got.out.Held != held {
				t.Errorf("turn %d of conversation %d: %d of %d tokens held, want %d", turn, c, got.out.Held, len(req.Prompt), held)
			}
			texts[c] = slices.Concat(req.Prompt, got.ids)
		}
	}
}
