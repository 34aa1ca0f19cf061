package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// order hears of a device which pipelines are made, for a pass and ahead of one.
type order struct {
	mu            sync.Mutex
	before, after []string
	hold          chan struct{} // while it is open, those ahead wait
}

func listen(t *testing.T, dev *vk.Device) *order {
	o := &order{hold: make(chan struct{})}
	vktest.Compiling(dev, func(kernel string, ahead bool) {
		o.mu.Lock()
		if ahead {
			o.after = append(o.after, kernel)
		} else {
			o.before = append(o.before, kernel)
		}
		o.mu.Unlock()
		if ahead {
			select {
			case <-o.hold:
			case <-time.After(20 * time.Second):
				t.Errorf("%s is waited for before the first token", kernel)
			}
		}
	})
	t.Cleanup(func() { vktest.Compiling(dev, nil) })
	return o
}

func (o *order) made() (before, after []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.before), slices.Clone(o.after)
}

// TestFirstTokenComesFirst: what a prompt takes is compiled before it runs, together; what only the tokens after it take is compiled
// while it runs, and its token does not wait for that.
func TestFirstTokenComesFirst(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Context: 32, MaxSteps: 2})
		o := listen(t, dev)
		said, needed := 0, 0
		req := decode.Request{Prompt: []int32{1, 2, 3, 4, 5, 6, 7}, Steps: 2, MaxTokens: 4, Pick: decode.Filters{Greedy: true}}
		if _, err := m.Generate(context.Background(), s, 0, req, func(decode.Token) error {
			if said++; said == 1 {
				before, _ := o.made()
				needed = len(before)
				close(o.hold)
			}
			return nil
		}); err != nil || said != 4 {
			t.Fatalf("%d tokens, error %v", said, err)
		}
		before, after := o.made()
		if needed < 10 || len(after) == 0 || len(before)+len(after) <= needed || len(before)+len(after) > needed+needed/2 {
			t.Errorf("before the first token %v, then %v", before, after)
		}
	})
}

// TestCloseWaitsForCompiles: a run that is cut short does not wait for what is compiled ahead; closing the session does, and no more is
// begun then.
func TestCloseWaitsForCompiles(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s, err := m.NewSession(engine.SessionOptions{Context: 32, MaxSteps: 2})
		if err != nil {
			t.Fatal(err)
		}
		o := listen(t, dev)
		ctx, stop := context.WithCancel(context.Background())
		req := decode.Request{Prompt: []int32{1, 2, 3, 4, 5, 6, 7}, Steps: 2, MaxTokens: 4, Pick: decode.Filters{Greedy: true}}
		_, err = m.Generate(ctx, s, 0, req, func(decode.Token) error { stop(); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cut short: %v", err)
		}
		_, begun := o.made()
		closed := make(chan struct{})
		go func() { s.Close(); close(closed) }()
		select {
		case <-closed:
			if len(begun) > 0 {
				t.Error("closed while kernels are compiled")
			}
		case <-time.After(100 * time.Millisecond):
		}
		_, begun = o.made()
		close(o.hold)
		<-closed
		if _, after := o.made(); len(after) != len(begun) || len(begun) == 0 {
			t.Errorf("compiled ahead: %v, then %v", begun, after)
		}
	})
}
