package shaders

import "muninn/vk"

// Retire records what ends a core step: every group has taken it; those that are done by their rule, or have taken all
// their steps, are done; their rows leave the table's front, and what follows live has counts for the rows that are left.
func (r *Recorder) Retire(g Groups, rows Rows, live *Live) { r.retire(g, rows, live, false) }

// Arm records the same before the first step: all rows are live, and no step has been taken.
func (r *Recorder) Arm(g Groups, rows Rows, live *Live) { r.retire(g, rows, live, true) }

func (r *Recorder) retire(g Groups, rows Rows, live *Live, begin bool) {
	gates := g.Gates
	if gates.IsZero() {
		gates = g.Change // bound, never read
	}
	push := struct{ Groups, RowsN, Begin, Values, Stride uint32 }{uint32(g.N), uint32(rows.N), flag(begin), uint32(g.Checks), CountStride / 4}
	r.dispatch("retire", push, fixed(1), vk.Cost{Bytes: rows.Span.Size() * uint64(1+g.N)},
		rows.Span, g.Rules, g.Progress, g.Change, g.Values, live.Table, live.Counts, gates)
}
