package engine_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/vk"
	"muninn/vk/vktest"
)

// until is a context that ends after so many looks at it: between any two submissions of a run.
type until struct {
	context.Context
	looks *int
}

func endsAfter(looks int) until { return until{context.Background(), &looks} }

func (u until) Err() error {
	if *u.looks--; *u.looks < 0 {
		return context.Canceled
	}
	return nil
}

// slow has programs cut into so many submissions that a run can end between the workgroups of one operation.
var slow = vk.Speed{Read: 8e5, FMA: 1e12}

// TestCutShort: wherever a pass is cut short, the same task once more gives what it gives in a session that was left alone: after a
// prompt, with continuous compute, with exits; with weights as they are, and over int8 activations that several workgroups write.
func TestCutShort(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		for _, o := range []engine.LoadOptions{{}, int8s(scheme(t, "q8_0", ""))} {
			testCutShort(t, dev, o)
		}
	})
}

func testCutShort(t *testing.T, dev *vk.Device, o engine.LoadOptions) {
	dev.SetSpeed(slow)
	m := open(t, dev, golden.Model(t, "C-f16"), o)
	s := session(t, m, engine.SessionOptions{Context: 16, MaxSteps: 3, Exits: true})
	exits := []*decode.Exit{nil, {Criterion: decode.LatentDiff, Threshold: 0.5}, {Criterion: decode.KL, Threshold: 0.05}}
	text := func(looks int) (said string, cut int) {
		if err := s.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
		do := func(a *decode.Task) {
			t.Helper()
			at := s.Pos(0)
			err := s.Do(endsAfter(looks), a)
			if errors.Is(err, context.Canceled) {
				cut++
				if s.Pos(0) != at {
					t.Fatalf("%d tokens after a pass cut short, before it %d", s.Pos(0), at)
				}
				err = s.Do(context.Background(), a)
			}
			if err != nil {
				t.Fatal(err)
			}
			said += fmt.Sprintf("%+v %x\n", a.Choices, logitBits(t, s))
		}
		do(&decode.Task{Rows: begun(0, randomTokens(m, 5, 3)...), Last: true, Steps: 2, Outputs: 1})
		for i, exit := range exits {
			rows := begun(5+i, int32(7+i))
			rows[0].From = []decode.From{decode.FromNormed, decode.FromPrevious}[i%2]
			do(&decode.Task{Rows: rows, Steps: 3, Exit: exit, Outputs: 1})
		}
		return said, cut
	}
	want, _ := text(1 << 30)
	for looks := 0; ; looks += 1 + looks {
		said, cut := text(looks)
		if said != want {
			t.Fatalf("%d passes cut short after %d submissions:\n%swithout\n%s", cut, looks, said, want)
		}
		if cut == 0 {
			if looks < 20 {
				t.Errorf("passes take %d submissions at most: too few to be cut within an operation", looks)
			}
			break
		}
	}
}

// TestCutShortDraw: a draw that is cut short between its dispatches leaves nothing behind that the next one counts.
func TestCutShortDraw(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Context: 16, MaxSteps: 2})
		draw := func(looks int, pick *decode.Filters) (decode.Choice, error) {
			if err := s.Rewind(0, 0); err != nil {
				t.Fatal(err)
			}
			a := &decode.Task{Rows: begun(0, 3), Steps: 2, Outputs: 1, Pick: pick}
			if err := s.Do(endsAfter(looks), a); err != nil {
				return decode.Choice{}, err
			}
			return a.Choices[0], nil
		}
		draw(1<<30, nil) // what is recorded from here on is the draw alone
		dev.SetSpeed(vk.Speed{Read: 1e3, FMA: 1e12})
		drawn := &decode.Filters{Temperature: 3, TopK: 20, TopP: 0.9}
		want, err := draw(1<<30, drawn)
		if err != nil {
			t.Fatal(err)
		}
		cut := 0
		for looks := 0; ; looks++ {
			if _, err = draw(looks, drawn); err == nil {
				break
			}
			cut++
			if got, err := draw(1<<30, drawn); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("after a draw cut short at submission %d: %+v, %v, want %+v", looks, got, err, want)
			}
		}
		if cut < 6 {
			t.Errorf("a pass of %d submissions: too few to be cut within a draw", cut)
		}
	})
}

func begun(pos int, tokens ...int32) []decode.TaskRow {
	var rows []decode.TaskRow
	for i, token := range tokens {
		rows = append(rows, decode.TaskRow{Pos: pos + i, Token: token, Begin: true})
	}
	return rows
}

// TestCutShortDrafts: rows that a pass was to take further are no longer live when it is cut short, nor is what ran as
// them part of the sequence. Rows before them stay.
func TestCutShortDrafts(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Context: 16, MaxSteps: 4, Outputs: 2, StepsPerSubmit: 1})
		ctx := context.Background()
		do := func(ctx context.Context, a decode.Task) (*decode.Task, error) { return &a, s.Do(ctx, &a) }
		try := func(a decode.Task) *decode.Task {
			t.Helper()
			done, err := do(ctx, a)
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		prompt := decode.Task{Rows: begun(0, 1, 2, 3), Last: true, Steps: 4, Outputs: 1}
		drafts := begun(3, 4, 5)
		verify := decode.Task{Rows: slices.Clone(drafts), Steps: 2, Outputs: 2}
		for i := range verify.Rows {
			verify.Rows[i].Begin, verify.Rows[i].From, verify.Rows[i].Step = false, decode.FromOwn, 2
		}
		first, second := decode.Task{Rows: drafts[:1], Steps: 2}, decode.Task{Rows: drafts[1:], Keep: true, Steps: 2}
		try(prompt)
		try(first)
		try(second)
		want := try(verify).Choices

		if err := s.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
		try(prompt)
		try(first)
		if _, err := do(endsAfter(2), second); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		if s.Pos(0) != 4 {
			t.Errorf("%d tokens after the second draft was cut short, want 4", s.Pos(0))
		}
		if _, err := do(ctx, verify); err == nil || !strings.Contains(err.Error(), "position 4 is not in flight") {
			t.Errorf("error %v, want one that names the draft which was cut short", err)
		}
		try(second) // the first is still live
		if _, err := do(endsAfter(1), verify); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
		if s.Pos(0) != 3 {
			t.Errorf("%d tokens after drafts were cut short, want the 3 of the prompt", s.Pos(0))
		}
		if _, err := do(ctx, verify); err == nil || !strings.Contains(err.Error(), "position 3 is not in flight") {
			t.Errorf("error %v, want one that names a draft which was cut short", err)
		}
		try(first)
		try(second)
		if got := try(verify).Choices; !reflect.DeepEqual(got, want) {
			t.Errorf("after passes cut short %+v, without %+v", got, want)
		}
	})
}

// TestBatchCutShort: the requests of a step that fails end with its error, and the batch takes them anew.
func TestBatchCutShort(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		b := engine.NewBatch(batchSession(t, m, 2))
		all := mixed(t, m)
		requests := []decode.Request{all[1], all[6]} // with an exit, and a wave
		run := func(failing int) (ids [2][]int32, ends [2]error) {
			for i, req := range requests {
				var steps []int
				if _, err := b.Add(req, setting(i), collect(&ids[i], &steps), func(_ decode.Outcome, err error) { ends[i] = err }); err != nil {
					t.Fatal(err)
				}
			}
			for chosen := 0; b.Len() > 0; chosen++ {
				var ctx context.Context = context.Background()
				if chosen == failing {
					ctx = endsAfter(0)
				}
				if err := b.Step(ctx); errors.Is(err, context.Canceled) != (chosen == failing) {
					t.Fatalf("step %d, of which %d is cut short: error %v", chosen, failing, err)
				}
			}
			return ids, ends
		}
		want, _ := run(-1)
		_, failed := run(4)
		for i, end := range failed {
			if !errors.Is(end, context.Canceled) {
				t.Errorf("request %d of a step cut short ended with %v", i, end)
			}
		}
		got, ends := run(-1)
		for i, end := range ends {
			if end != nil || !slices.Equal(got[i], want[i]) {
				t.Errorf("request %d after a step cut short: tokens %v, %v; before %v", i, got[i], end, want[i])
			}
		}
	})
}

// TestTaskTwice: what came of a task when it was done before is not part of what comes of it.
func TestTaskTwice(t *testing.T) {
	vktest.OnFirst(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		s := session(t, m, engine.SessionOptions{Context: 8, MaxSteps: 2, Compares: 1})
		a := &decode.Task{Rows: begun(0, 5), Steps: 2, Outputs: 1, Given: []int32{1}, Compare: decode.CompareDifference}
		var want string
		for i := range 2 {
			if err := s.Do(context.Background(), a); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(a.Taken, a.Choices, a.Below, a.Changes)
			if want = cmp.Or(want, got); got != want {
				t.Errorf("time %d: %s, before %s", i+1, got, want)
			}
		}
	})
}
