package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// Edit makes the changes to logits (n, vocab): l becomes (l < 0 ? l scale : l / scale) + add.
func Edit(logits []float32, vocab int, edits []shaders.Edit) []float64 {
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

func editCases() []Case {
	var list []Case
	for _, s := range []struct{ vocab, count, capacity int }{{2, 0, 1}, {2, 1, 1}, {257, 64, 64}, {257, 65, 70}, {1003, 100, 300}} {
		name := fmt.Sprintf("vocab=%d %d edits of %d", s.vocab, s.count, s.capacity)
		list = append(list, Case{Op: "edit", Name: name, Limit: 1e-13, Why: "a division of 2.5 ulp and an addition",
			run: func(t *trial) { editTrial(t, name, s.vocab, s.count, s.capacity) }})
	}
	return list
}

func editTrial(t *trial, name string, vocab, count, capacity int) {
	const n = 3
	values := source{seed(name), heavy, format.F32, vocab}.all(n)
	var edits []shaders.Edit
	for i := range capacity { // those behind count would change what must stay
		edits = append(edits, shaders.Edit{Row: uint32(i % n), Token: uint32(i * 7 / n % vocab), Scale: 1 + float32(i%5)/4, Add: float32(i%3) - 1})
	}
	raw := make([]byte, capacity*shaders.EditBytes)
	for i, e := range edits {
		e.Put(raw[i*shaders.EditBytes:])
	}
	logits := t.inout("logits", values, n, vocab)
	list, used := t.buffer("edits", raw, false), t.words("count", []uint32{uint32(count)})
	want := Edit(values, vocab, edits[:count])
	t.check(func(r *shaders.Recorder) { r.Edit(logits.Tensor, list.data, used) },
		func(v *verdict) { v.tensor(logits, untouchedPadding, want) })
}
