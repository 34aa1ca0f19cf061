package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// edit makes the changes to logits (n, vocab): l becomes (l < 0 ? l scale : l / scale) + add.
func edit(logits []float32, vocab int, edits []shaders.Edit) []float64 {
	y := plain.Widen(logits)
	for _, e := range edits {
		at := int(e.Row)*vocab + int(e.Token)
		if y[at] < 0 {
			y[at] *= float64(e.Scale)
		} else {
			y[at] /= float64(e.Scale)
		}
		y[at] += float64(e.Add)
	}
	return y
}

type editSize struct{ vocab, count, capacity int }

func (s editSize) String() string {
	return fmt.Sprintf("vocab=%d %d edits of %d", s.vocab, s.count, s.capacity)
}

func editCases() []Case {
	sizes := []editSize{{2, 0, 1}, {2, 1, 1}, {257, 64, 64}, {257, 65, 70}, {1003, 100, 300}}
	made := Case{Op: "edit", Limit: 1e-13, Why: "a division of 2.5 ulp and an addition"}
	undone := Case{Op: "edit", Name: "undone ", Why: "what was there is put back"}
	return append(each(made, sizes, func(t *trial, s editSize) { editTrial(t, s, false) }), each(undone, sizes, func(t *trial, s editSize) { editTrial(t, s, true) })...)
}

func editTrial(t *trial, s editSize, undone bool) {
	const n = 3
	var edits []shaders.Edit
	for i := range s.capacity { // those behind count would change what must stay
		edits = append(edits, shaders.Edit{Row: uint32(i % n), Token: uint32(i * 7 / n % s.vocab), Scale: 1 + float32(i%5)/4, Add: float32(i%3) - 1})
	}
	logits := t.inout("logits", t.values("logits", heavy, n, s.vocab), s.vocab)
	list, used := t.buffer("edits", packed(edits, shaders.EditBytes), true), t.words("count", []uint32{uint32(s.count)})
	want := edit(logits.x, s.vocab, edits[:s.count])
	if undone {
		want = plain.Widen(logits.x)
	}
	t.check(func(r *shaders.Recorder) {
		r.Edit(logits.Tensor, list.data, used)
		if undone {
			r.Undo(logits.Tensor, list.data, used)
		}
	}, becomes(logits, want))
}
