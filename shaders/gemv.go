package shaders

import (
	"cmp"
	"strings"

	"muninn/shaders/format"
)

// GEMV is how workgroups take a matrix of weights.
type GEMV struct {
	Groups     int // subgroups of a workgroup
	Beside     int // sets of weight rows side by side in it: each has as many of its lanes, which share a row's k between them
	WeightRows int // weight rows that a workgroup takes, of all parts together
	XRows      int // rows of x that it takes at most
	Depth      int // units of 16 bytes of a weight row that a lane loads before it multiplies the first
}

// wide tells of the kernels for GPUs; the others have a subgroup a workgroup, whose lanes share the k of all its rows.
func (g GEMV) wide() bool { return g.Groups > 1 || g.Beside > 1 }

// GEMV chooses for a matrix of rows x cols, of several side by side for each, that op multiplies. How many lanes share a row's k fixes
// the order of its sum, so Groups and Beside depend on the matrix alone; the rest changes no bit.
func (t Tuning) GEMV(op string, f format.Type, rows, cols int, int8 bool) GEMV {
	parts := 1
	if strings.HasPrefix(op, "swiglu") {
		parts = 2
	}
	g := GEMV{Groups: 1, Beside: 1, WeightRows: t.WeightRows, XRows: t.XRows, Depth: 1}
	if t.GEMVLanes > 0 {
		g = t.wideGEMV(rows*parts, f.PlaneBytes(f.Padded(cols))/unitBytes, parts)
	}
	if !t.opt.Small {
		g = t.measuredGEMV(g, Product{op, f, rows, cols, int8})
	}
	return t.fit(t.opt.GEMV.over(g), parts)
}

// over is g with what is asked for in its place.
func (asked GEMV) over(g GEMV) GEMV {
	return GEMV{cmp.Or(asked.Groups, g.Groups), cmp.Or(asked.Beside, g.Beside), cmp.Or(asked.WeightRows, g.WeightRows), cmp.Or(asked.XRows, g.XRows),
		cmp.Or(asked.Depth, g.Depth)}
}

const (
	unitBytes = 16
	// setsBeside: of a subgroup of 32 lanes 8 are along a row, and a load of x in q4_0 takes 8 lines of the cache, not 32; with more sets,
	// the weights would take more.
	setsBeside = 4
	// mostOfLane are weight rows of a lane: more spill registers. Twice that is what it loads at most before it multiplies.
	mostOfLane = 8
	// leastGroups are workgroups that keep the largest GPUs busy; matrices with fewer rows have fewer a workgroup.
	leastGroups = 128
)

// wideGEMV is the rule for GPUs and so many rows of all parts, of so many units.
func (t Tuning) wideGEMV(rows, units, parts int) GEMV {
	g := GEMV{Groups: int(t.GEMVLanes / t.Subgroup), Beside: setsBeside, WeightRows: t.WeightRows, XRows: t.XRows, Depth: 1}
	for g.Groups%2 == 0 && g.Groups/2*int(t.Subgroup) >= g.Beside*max(units, t.run()) {
		g.Groups /= 2
	}
	for g.WeightRows > g.Beside*parts && rows < leastGroups*g.WeightRows {
		g.WeightRows /= 2
	}
	return g
}

// run is how many lanes side by side have units of the same rows: 8 read 128 bytes, and of a small subgroup half.
func (t Tuning) run() int { return int(min(8, max(4, t.Subgroup/2))) }

// fit is g with as many sets as its lanes can be shared out to, and as many whole rows of each part for them as a lane can have.
func (t Tuning) fit(g GEMV, parts int) GEMV {
	if !g.wide() {
		return g
	}
	for g.Beside > 1 && g.Groups*int(t.Subgroup)%(g.Beside*t.run()) != 0 {
		g.Beside--
	}
	lane := max(1, min(mostOfLane, g.WeightRows/g.Beside)/parts) * parts
	g.WeightRows, g.Depth = lane*g.Beside, max(1, min(g.Depth, 2*mostOfLane/lane))
	return g
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
