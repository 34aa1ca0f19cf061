package engine_test

import (
	"context"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

func familyModel(t *testing.T, name string) string {
	return golden.Path(t, "goldens", "family", "models", name)
}

// randomModel is one of four small layers whose texts may be long.
func randomModel(t *testing.T, dev *vk.Device) *engine.Model {
	t.Helper()
	shape, err := arch.ParseShape("tiny")
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Random(shape.Config, dev, engine.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// batchIDs runs requests together and returns the tokens of each and how many of its prompt were held.
func batchIDs(t *testing.T, b *engine.Batch, requests ...decode.Request) (ids [][]int32, held []int) {
	t.Helper()
	ids, held = make([][]int32, len(requests)), make([]int, len(requests))
	for i, req := range requests {
		_, err := b.Add(req, decode.Sequence{}, func(c decode.Token) error { ids[i] = append(ids[i], c.Token); return nil },
			func(out decode.Outcome, err error) {
				if held[i] = out.Held; err != nil {
					t.Error(err)
				}
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return ids, held
}

// Sequences in pages of a common pool give what those with room of their own give, whatever came before in the pages.
func TestPagedAnswers(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		paths, rounds := []string{golden.Model(t, "C-f16"), familyModel(t, "W-f16"), familyModel(t, "H-bf16")}, uint64(2)
		if testing.Short() {
			paths = paths[:1]
		}
		for _, path := range paths {
			m := open(t, dev, path, engine.LoadOptions{})
			o := engine.SessionOptions{Sequences: 3, Context: 150, MaxSteps: 4, Exits: true}
			own := session(t, m, o)
			o.Positions = 200
			paged := session(t, m, o)
			one, two := engine.NewBatch(own), engine.NewBatch(paged)
			for round := range rounds {
				var requests []decode.Request
				for i := range 3 {
					req := decode.Request{Prompt: randomTokens(m, 20+13*i, round*3+uint64(i)), Steps: 3, MaxTokens: 20, Pick: decode.Filters{Greedy: true}}
					if i == 1 {
						req.Strategy.Exit = &decode.Exit{Criterion: decode.LatentDiff, Threshold: 0.4}
					}
					requests = append(requests, req)
				}
				want, _ := batchIDs(t, one, requests...)
				got, _ := batchIDs(t, two, requests...)
				for i := range got {
					if len(got[i]) != 20 || !slices.Equal(got[i], want[i]) {
						t.Errorf("%s, round %d, request %d: %v in pages, %v without", path, round, i, got[i], want[i])
					}
				}
			}
			own.Close()
			paged.Close()
		}
	})
}

// Sixteen chats take the bytes that their tokens need, and no more than a twentieth beside: no chat is given the longest one's room.
func TestPagedBytes(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := randomModel(t, dev)
	const chats = 16
	var lengths []int
	total, pages := 0, 0
	for i := range chats {
		n := 100 + 60*i
		lengths, total, pages = append(lengths, n), total+n, pages+shaders.PagesOf(n)
	}
	s := session(t, m, engine.SessionOptions{Sequences: chats, Context: 200, MaxSteps: 2, Positions: 200})
	_, per := s.KVBytes() // of 7 pages
	s.Close()
	need := uint64(total) * per / uint64(shaders.PagesOf(200)*shaders.PagePositions)
	s = session(t, m, engine.SessionOptions{Sequences: chats, Context: 1024, MaxSteps: 2, Positions: pages * shaders.PagePositions, Rows: 256})
	for seq, n := range lengths {
		if _, err := s.Prefill(context.Background(), seq, randomTokens(m, n, uint64(seq)), 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	used, all := s.KVBytes()
	if used != all || used > need+need/20 {
		t.Errorf("%d tokens take %d bytes of %d, they need %d", total, used, all, need)
	}
	if _, err := s.Prefill(context.Background(), 15, randomTokens(m, 25, 1), 2, nil); err == nil {
		t.Error("a page more is written than there are")
	}
	if err := s.Rewind(0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prefill(context.Background(), 15, randomTokens(m, 20, 1), 2, nil); err != nil {
		t.Errorf("after a chat has left: %v", err)
	}
}

// A beginning that requests have in common is read once and lies in the cache once.
func TestSharedPrefix(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := randomModel(t, dev)
	const room = 800
	s := session(t, m, engine.SessionOptions{Sequences: 4, Context: 600, MaxSteps: 3, Positions: room, Rows: 256})
	b := engine.NewBatch(s)
	prefix := randomTokens(m, 500, 1)
	ask := func(i uint64) decode.Request {
		return decode.Request{Prompt: append(slices.Clone(prefix), randomTokens(m, 4, i)...), Steps: 3, MaxTokens: 6, Pick: decode.Filters{Greedy: true}}
	}
	alone := session(t, m, engine.SessionOptions{Context: 600, MaxSteps: 3, Rows: 256})
	want, _ := batchIDs(t, engine.NewBatch(alone), ask(3))
	batchIDs(t, b, ask(2))
	first, _ := s.KVBytes()
	got, held := batchIDs(t, b, ask(3), ask(4), ask(5), ask(6))
	for i, n := range held {
		if n != len(prefix) {
			t.Errorf("request %d holds %d tokens, want %d", i, n, len(prefix))
		}
	}
	if !slices.Equal(got[0], want[0]) {
		t.Errorf("%v behind a shared beginning, %v alone", got[0], want[0])
	}
	used, all := s.KVBytes()
	if page := all / uint64(shaders.PagesOf(room)); used > first+4*2*page {
		t.Errorf("%d bytes after the first, %d after four more with the same beginning", first, used)
	}
	for i := range uint64(12) { // kept texts make room
		batchIDs(t, b, decode.Request{Prompt: randomTokens(m, 100, 20+i), Steps: 3, MaxTokens: 2, Pick: decode.Filters{Greedy: true}})
	}
	other := ask(7)
	other.Steps = 2 // of another depth nothing is shared
	if _, held := batchIDs(t, b, other); held[0] != 0 {
		t.Errorf("%d tokens of another depth are held", held[0])
	}
}

// Once a prompt is read, decode-last keeps one slot of each position, and the others serve whoever comes.
func TestLastSlotBytes(t *testing.T) {
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, familyModel(t, "W-f16"), engine.LoadOptions{})
	lookup, err := decode.ParseLookup(decode.LookupDecodeLast, 4)
	if err != nil {
		t.Fatal(err)
	}
	o := engine.SessionOptions{Sequences: 2, Context: 160, MaxSteps: 3, Lookup: lookup}
	whole := session(t, m, o)
	o.Positions, o.Unread = 320, 128
	s := session(t, m, o)
	req := decode.Request{Prompt: randomTokens(m, 100, 1), Steps: 3, MaxTokens: 30, Pick: decode.Filters{Greedy: true}}
	want := idsOf(t, whole.Engine(context.Background()), req)
	if _, err := s.Prefill(context.Background(), 1, req.Prompt, 3, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Rewind(1, 0); err != nil {
		t.Fatal(err)
	}
	task := &decode.Task{Seq: 0, Prompt: true, Last: true, Steps: 3}
	for i, token := range req.Prompt {
		task.Rows = append(task.Rows, decode.TaskRow{Pos: i, Token: token, Begin: true})
	}
	if err := s.Do(context.Background(), task); err != nil {
		t.Fatal(err)
	}
	read, _ := s.KVBytes()
	if err := s.Do(context.Background(), &decode.Task{Rows: []decode.TaskRow{{Pos: 100, Token: 1, Begin: true}}, Steps: 3}); err != nil {
		t.Fatal(err)
	}
	if after, _ := s.KVBytes(); after*3 != read {
		t.Errorf("%d bytes while the prompt is read in 3 loops, %d after it", read, after)
	}
	if err := s.Rewind(0, 0); err != nil {
		t.Fatal(err)
	}
	if got := idsOf(t, s.Engine(context.Background()), req); !slices.Equal(got, want) {
		t.Errorf("%v in pages, %v without", got, want)
	}
	other := req
	other.Prompt = randomTokens(m, 100, 2)
	var n int
	_, err = decode.Decode(s.Engine(context.Background()), 1, other, func(decode.Choice) (bool, error) { n++; return false, nil })
	if err != nil || n != 30 {
		t.Errorf("a second text beside the first gives %d tokens, error %v", n, err)
	}
}
