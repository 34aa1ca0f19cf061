package shaders

import "muninn/shaders/format"

// GEMV is how workgroups take a matrix of weights.
type GEMV struct {
	Groups     int // subgroups of a workgroup, which share each row's k between them; 1: a subgroup has a row to itself
	WeightRows int // weight rows that a workgroup takes, of all parts together
	XRows      int // rows of x that it takes at most
	Depth      int // units of 16 bytes of a weight row that a lane loads before it multiplies the first
}

// GEMV chooses for a matrix of rows x cols, of several side by side for each, that op multiplies. Groups fix the order of a row's
// sum, so they depend on the matrix alone; the rest changes no bit.
func (t Tuning) GEMV(op string, f format.Type, rows, cols int, int8 bool) GEMV {
	rule := GEMV{Groups: 1, WeightRows: t.WeightRows, XRows: t.XRows, Depth: 1}
	if t.opt.Small {
		return rule
	}
	return t.measuredGEMV(rule, Product{op, f, rows, cols, int8})
}

// gemv is the choice for w times x.
func (t Tuning) gemv(op string, w Matrix, x Tensor) GEMV {
	return t.GEMV(op, w.Format, w.Rows, w.Cols, !x.Int8.IsZero())
}

// xRows is the number of rows of x that a workgroup takes when x has n. Int8 activations have no fixed
// kernel but for one: on SwiftShader their GEMV are bound by the dot itself, and four together take as long as one by one.
func (t Tuning) xRows(g GEMV, n int, int8 bool) int {
	switch {
	case !t.Fixed && t.opt.Small && n > 1:
		return g.XRows
	case !t.Fixed:
		return rowsTogether(n, g.XRows)
	case n > 1 && !int8 && g.XRows >= 4:
		return 4
	}
	return 1
}

// together are the numbers of rows of x that kernels are specialized to, few because each is compiled.
var together = []int{1, 2, 4, 6, 8, 12, 16}

// rowsTogether is the number of rows of x, at most most, that a workgroup takes when all of them are n. Rows of the last workgroup
// beyond n are computed and not stored, and a workgroup costs as much as a row more: measured on lavapipe, where 4 rows
// take 1.19 and 8 rows 1.02 times as long each as 16 do.
func rowsTogether(n, most int) int {
	best, least := 1, 2*n
	for _, each := range together {
		if cost := (n + each - 1) / each * (each + 1); each <= most && cost <= least {
			best, least = each, cost
		}
	}
	return best
}
