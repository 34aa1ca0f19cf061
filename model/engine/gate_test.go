package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// Sequences that leave by the exit gate at loops of their own give together what each gives alone.
func TestGatesTogether(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Path(t, "goldens", "family", "models", "W-f16"), engine.LoadOptions{})
		rules := []string{decode.LookupDecodeLast, "full", decode.LookupLastExited, decode.LookupShared}
		if shortly(t) {
			rules = rules[:2]
		}
		for _, rule := range rules {
			lookup, err := decode.ParseLookup(rule, m.Config.NLayersInRecurrentBlock)
			if err != nil {
				t.Fatal(err)
			}
			const side = 8
			var requests []decode.Request
			for i := range side {
				exit := &decode.Exit{Criterion: decode.Gate, Threshold: 0.15 + 0.1*float64(i), Delay: i % 2, Prefill: i%3 == 0}
				requests = append(requests, decode.Request{Prompt: randomTokens(m, 3+i, uint64(i)), Steps: 3 + i%2, MaxTokens: 10,
					Pick: decode.Filters{Greedy: true}, Strategy: decode.Strategy{Exit: exit}})
			}
			o := engine.SessionOptions{Sequences: side, Context: 32, MaxSteps: 4, Lookup: lookup}.For(requests[0].Strategy)
			s := session(t, m, o)
			alone, loops := make([][]int32, side), map[int]bool{}
			for i, req := range requests {
				_, err := decode.Decode(s.Engine(context.Background()), i, req, func(c decode.Choice) (bool, error) {
					alone[i], loops[c.Steps] = append(alone[i], c.Token), true
					return false, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Rewind(i, 0); err != nil {
					t.Fatal(err)
				}
			}
			if len(loops) < 3 {
				t.Errorf("%s: tokens took %v loops: nothing is shown", rule, loops)
			}
			b, together := engine.NewBatch(s), make([][]int32, side)
			for i, req := range requests {
				_, err := b.Add(req, decode.Sequence{}, func(c decode.Token) error { together[i] = append(together[i], c.Token); return nil }, nil)
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i := range requests {
				if len(alone[i]) != 10 || !slices.Equal(alone[i], together[i]) {
					t.Errorf("%s: request %d: %v alone, %v together", rule, i, alone[i], together[i])
				}
			}
			s.Close()
		}
	})
}

// TestGateCounters: an exit by the gate is decided on the device, as one on the state is.
func TestGateCounters(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Path(t, "goldens", "family", "models", "W-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{MaxSteps: 8, Context: 64, Exits: true})
		exit, loops := &decode.Exit{Criterion: decode.Gate, Threshold: 0.7}, map[int]bool{}
		few, many := uint64(1<<30), uint64(0)
		for i, token := range randomTokens(m, 40, 3) {
			before := dev.Counters()
			a := &decode.Task{Rows: []decode.TaskRow{{Pos: i, Token: token, Begin: true}}, Steps: 8, Exit: exit, Outputs: 1}
			if err := s.Do(context.Background(), a); err != nil {
				t.Fatal(err)
			}
			after := dev.Counters()
			if i < 4 {
				continue // records, and learns how many steps are likely
			}
			loops[a.Taken] = true
			few, many = min(few, after.Submissions-before.Submissions), max(many, after.Submissions-before.Submissions)
			if down := after.BytesDown - before.BytesDown; down > 64 || after.Recordings != before.Recordings {
				t.Fatalf("token %d: %d bytes read back, %d recordings; want at most 64, and none", i, down, after.Recordings-before.Recordings)
			}
		}
		if len(loops) < 3 || many-few > 1 {
			t.Errorf("tokens of %v loops took %d to %d submissions", loops, few, many)
		}
	})
}
