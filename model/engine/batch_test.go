package engine_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// mixed are requests of different prompts, depths, criteria and strategies.
func mixed(t *testing.T, m *engine.Model) []decode.Request {
	t.Helper()
	exit := func(criterion string, every int) *decode.Exit {
		e, err := decode.ParseExit(criterion, "auto")
		if err != nil {
			t.Fatal(err)
		}
		e.Every, e.Prefill = every, true
		return &e
	}
	wave := decode.PaperWave
	wave.MaxWavefront = 6
	strategies := []struct {
		steps int
		decode.Strategy
	}{
		{12, decode.Strategy{}},
		{20, decode.Strategy{Exit: exit("latent-diff", 1)}},
		{5, decode.Strategy{ContinuousCompute: true}},
		{16, decode.Strategy{Exit: exit("kl", 4)}},
		{9, decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 3, Lookahead: 4, Threshold: 1}}},
		{20, decode.Strategy{Exit: exit("argmax-stability", 1)}},
		{8, decode.Strategy{Wave: &wave}},
		{4, decode.Strategy{Speculative: &decode.Speculative{DraftSteps: 4, Lookahead: 3, Threshold: 1}}}, // nothing left to verify with
		{0, decode.Strategy{}},
		{20, decode.Strategy{Exit: exit("acceleration", 2), Noise: decode.StateNoise{Weight: 0.01, Type: decode.NoiseGeom}}},
	}
	var list []decode.Request
	for i, s := range strategies {
		pick := decode.Filters{Greedy: true}
		if i%3 == 2 {
			pick = decode.Filters{Temperature: 0.9, TopK: 40, Seed: uint64(i)}
		}
		list = append(list, decode.Request{Prompt: randomTokens(m, 3+5*i%11, uint64(i)), Steps: s.steps, MaxTokens: 8 + 3*i%7, Pick: pick, Strategy: s.Strategy})
	}
	return list
}

// batchSession has room for n of them.
func batchSession(t *testing.T, m *engine.Model, n int) *engine.Session {
	t.Helper()
	return session(t, m, batchOptions(n))
}

func batchOptions(n int) engine.SessionOptions {
	return engine.SessionOptions{Sequences: n, Context: 64, MaxSteps: 20, Rows: 48, Outputs: 48, Exits: true, Compares: 6}
}

func setting(i int) decode.Sequence { return decode.Sequence{Seed: 7, Stream: uint64(i), InitScale: 1} }

// alone runs a request on a session of its own.
func alone(t *testing.T, m *engine.Model, req decode.Request, i int) (ids []int32, steps []int) {
	t.Helper()
	s := batchSession(t, m, 1)
	s.SetSequence(0, setting(i))
	if _, err := m.Generate(context.Background(), s, 0, req, collect(&ids, &steps)); err != nil {
		t.Fatal(err)
	}
	return ids, steps
}

func collect(ids *[]int32, steps *[]int) func(decode.Token) error {
	return func(t decode.Token) error {
		if t.Token >= 0 {
			*ids, *steps = append(*ids, t.Token), append(*steps, t.Steps)
		}
		return nil
	}
}

// TestBatchMixed: requests of different prompts, depths, criteria and strategies side by side give what each gives alone, though
// some join and one is taken out midway.
func TestBatchMixed(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{Kernels: shaders.Options{Activations: shaders.FloatActivations}})
		requests := mixed(t, m)
		b := engine.NewBatch(batchSession(t, m, len(requests)))
		ids, steps, ends := make([][]int32, len(requests)), make([][]int, len(requests)), make([]error, len(requests))
		add := func(i int) int {
			seq, err := b.Add(requests[i], setting(i), collect(&ids[i], &steps[i]), func(_ decode.Outcome, err error) { ends[i] = err })
			if err != nil {
				t.Fatal(err)
			}
			return seq
		}
		const late, removed = 3, 2 // so many join later; this one leaves
		var gone int
		for i := range len(requests) - late {
			if seq := add(i); i == removed {
				gone = seq
			}
		}
		for chosen := 0; b.Len() > 0; chosen++ {
			if err := b.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			if chosen%4 == 3 && chosen/4 < late {
				add(len(requests) - late + chosen/4)
			}
			if chosen == 6 {
				b.Remove(gone)
			}
		}
		for i, req := range requests {
			want, depth := alone(t, m, req, i)
			if i == removed {
				if !errors.Is(ends[i], context.Canceled) || len(ids[i]) >= len(want) || !slices.Equal(ids[i], want[:len(ids[i])]) {
					t.Errorf("request %d was taken out: tokens %v, end %v; alone it gives %v", i, ids[i], ends[i], want)
				}
				continue
			}
			if ends[i] != nil || !slices.Equal(ids[i], want) || !slices.Equal(steps[i], depth) {
				t.Errorf("request %d: tokens %v of %v steps, %v; alone %v of %v", i, ids[i], steps[i], ends[i], want, depth)
			}
		}
	})
}

// TestManyPrompts: prompts whose rows together are more than a session holds live run one after the other.
func TestManyPrompts(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, store.DemoName, engine.LoadOptions{})
		const side, rows = 6, 20
		s := session(t, m, engine.SessionOptions{Sequences: side, Context: 32, Rows: 2 * rows, MaxSteps: 2, Exits: true})
		var inputs []engine.Input
		for i := range side {
			inputs = append(inputs, engine.Input{Seq: i, Tokens: randomTokens(m, rows, uint64(i))})
		}
		if _, err := s.Forward(context.Background(), inputs, 2); err != nil {
			t.Fatal(err)
		}
		b := engine.NewBatch(s)
		for i, in := range inputs {
			req := decode.Request{Prompt: in.Tokens, Steps: 2, MaxTokens: 3, Pick: decode.Filters{Greedy: true}}
			if _, err := b.Add(req, setting(i), func(decode.Token) error { return nil }, func(_ decode.Outcome, err error) {
				if err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestBatchRefuses: a request that cannot be run ends by itself, and one too many is refused.
func TestBatchRefuses(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		b := engine.NewBatch(batchSession(t, m, 2))
		var bad, good error
		var ids []int32
		var steps []int
		long := decode.Request{Prompt: randomTokens(m, 100, 1), Steps: 2, MaxTokens: 3, Pick: decode.Filters{Greedy: true}}
		short := decode.Request{Prompt: randomTokens(m, 5, 1), Steps: 2, MaxTokens: 3, Pick: decode.Filters{Greedy: true}}
		for _, r := range []struct {
			req decode.Request
			end *error
		}{{long, &bad}, {short, &good}} {
			if _, err := b.Add(r.req, setting(0), collect(&ids, &steps), func(_ decode.Outcome, err error) { *r.end = err }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Add(short, setting(0), nil, nil); !errors.Is(err, engine.ErrBatchFull) {
			t.Errorf("a third request in a batch of two: %v", err)
		}
		if err := b.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if !errors.Is(bad, decode.ErrContextFull) || good != nil || len(ids) != 3 {
			t.Errorf("the long one ended with %v, the short one with %v and %d tokens", bad, good, len(ids))
		}
	})
}

// TestBatchRemove: a request may be taken out before its strategy has begun, and from within another's emit; it ends once, as
// cancelled, and the others go on.
func TestBatchRemove(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		b := engine.NewBatch(batchSession(t, m, 4))
		req := decode.Request{Prompt: randomTokens(m, 5, 1), Steps: 2, MaxTokens: 6, Pick: decode.Filters{Greedy: true}}
		var ids [4][]int32
		var ends [4][]error
		add := func(i int, emit func(decode.Token) error) int {
			seq, err := b.Add(req, setting(0), func(tok decode.Token) error {
				if tok.Token >= 0 {
					ids[i] = append(ids[i], tok.Token)
				}
				return emit(tok)
			}, func(_ decode.Outcome, err error) { ends[i] = append(ends[i], err) })
			if err != nil {
				t.Fatal(err)
			}
			return seq
		}
		nothing := func(decode.Token) error { return nil }
		var before, after int
		before = add(0, nothing)
		add(1, func(decode.Token) error {
			if len(ids[1]) == 2 {
				b.Remove(before)
				b.Remove(after)
			}
			return nil
		})
		after = add(2, nothing)
		b.Remove(add(3, nothing))
		if err := b.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(ends[1]) != 1 || ends[1][0] != nil || len(ids[1]) != req.MaxTokens {
			t.Errorf("the request that stays ends with %v and %d tokens", ends[1], len(ids[1]))
		}
		for _, i := range []int{0, 2, 3} {
			if len(ends[i]) != 1 || !errors.Is(ends[i][0], context.Canceled) || len(ids[i]) >= req.MaxTokens {
				t.Errorf("request %d was taken out: it ends with %v and %d tokens", i, ends[i], len(ids[i]))
			}
		}
	})
}

// TestAdaptiveCounters: with a criterion on the state, a token's exit is decided on the device: little is read back, nothing
// recorded, and how many submissions a token takes does not depend on when it left.
func TestAdaptiveCounters(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{MaxSteps: 32, Context: 64, Exits: true})
		exit, err := decode.ParseExit("latent-diff", "auto")
		if err != nil {
			t.Fatal(err)
		}
		e := s.Engine(context.Background())
		least, most := 1<<30, 0
		few, many := uint64(1<<30), uint64(0)
		for i, token := range randomTokens(m, 40, 3) {
			before := dev.Counters()
			a := &decode.Task{Rows: []decode.TaskRow{{Pos: i, Token: token, Begin: true}}, Steps: 32, Exit: &exit, Outputs: 1}
			if err := e.Do(a); err != nil {
				t.Fatal(err)
			}
			after := dev.Counters()
			if i < 4 {
				continue // records, and learns how many steps are likely
			}
			least, most = min(least, a.Taken), max(most, a.Taken)
			few, many = min(few, after.Submissions-before.Submissions), max(many, after.Submissions-before.Submissions)
			if down := after.BytesDown - before.BytesDown; down > 64 {
				t.Fatalf("%d bytes read back for a token, want at most 64", down)
			}
			if n := after.Recordings - before.Recordings; n != 0 {
				t.Fatalf("%d recordings for token %d, want none", n, i)
			}
		}
		if most-least < 4 {
			t.Fatalf("all tokens took %d to %d steps: nothing is shown", least, most)
		}
		if many-few > 1 {
			t.Errorf("tokens of %d to %d steps took %d to %d submissions", least, most, few, many)
		}
		t.Logf("%d to %d steps, %d to %d submissions a token", least, most, few, many)
	})
}
