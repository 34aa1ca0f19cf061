package ref

import (
	"slices"

	"muninn/shaders"
	"muninn/shaders/plain"
)

// moveRows copies row from of x to row to of y for each move; x, y (.., d).
func moveRows(y, x []float32, moves []shaders.Move, d int) []float64 {
	y = slices.Clone(y)
	for _, m := range moves {
		copy(y[int(m.To)*d:][:d], x[int(m.From)*d:][:d])
	}
	return plain.Widen(y)
}

func moveCases() []Case {
	return each(Case{Op: "move", Name: "d=", Why: "a copy"}, []int{1, 8, 10, 255, 256, 257, 5280}, moveTrial)
}

func moveTrial(t *trial, d int) {
	const n = 9
	moves := []shaders.Move{{From: 8, To: 2}, {From: 0, To: 0}, {From: 3, To: 6}, {From: 3, To: 1}, {From: 7, To: 4}}
	var list []uint32
	for _, m := range moves {
		list = append(list, m.From, m.To)
	}
	span := t.words("moves", list)
	x, y := t.drawn("x", halfMax, n, d), t.inout("y", t.values("y", uniform, n, d), d) // rows that no move names stay
	t.check(func(r *shaders.Recorder) { r.MoveRows(y.Tensor, x.Tensor, span) }, becomes(y, moveRows(y.x, x.x, moves, d)))
}
