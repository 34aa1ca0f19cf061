package ref

import (
	"fmt"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/shaders/plain"
)

// MoveRows copies row from of x to row to of y for each move; x, y (.., d).
func MoveRows(y, x []float32, moves []shaders.Move, d int) {
	for _, m := range moves {
		copy(y[int(m.To)*d:][:d], x[int(m.From)*d:][:d])
	}
}

func moveCases() []Case {
	var list []Case
	for _, d := range []int{1, 8, 10, 255, 256, 257, 5280} {
		list = append(list, Case{Op: "move", Name: fmt.Sprintf("d=%d", d), Why: "a copy", run: func(t *trial) { moveTrial(t, d) }})
	}
	return list
}

func moveTrial(t *trial, d int) {
	const n = 9
	moves := []shaders.Move{{From: 8, To: 2}, {From: 0, To: 0}, {From: 3, To: 6}, {From: 3, To: 1}, {From: 7, To: 4}}
	values := source{seed("gather"), halfMax, format.F32, d}.all(n)
	before := source{seed("gather before"), uniform, format.F32, d}.all(n) // rows that no move names stay
	var list []uint32
	for _, m := range moves {
		list = append(list, m.From, m.To)
	}
	x, y := t.input("x", values, n, d), t.inout("y", before, n, d)
	span := t.words("moves", list)
	MoveRows(before, values, moves, d)
	t.check(func(r *shaders.Recorder) { r.MoveRows(y.Tensor, x.Tensor, span) },
		func(v *verdict) { v.tensor(y, zeroPadding, plain.Widen(before)) })
}
