package ref

import (
	"encoding/binary"
	"fmt"
	"slices"

	"muninn/shaders"
)

// shape is how the workgroups of a dispatch follow the live rows: one along the axis for every `each` of their items, of which a
// row has `times`.
type shape struct {
	groups            [3]uint32
	axis, times, each uint32
}

func (s shape) counts(live int) [3]uint32 {
	c := s.groups
	c[s.axis] = (uint32(live)*s.times + s.each - 1) / s.each
	return c
}

// live records dispatches that follow the live rows, which makes shapes of them; the program never runs.
func (t *trial) live() (*shaders.Live, []shape) {
	if t.err != nil {
		return nil, nil
	}
	live, err := shaders.NewLive(t.dev, t.arena)
	if t.err = err; err != nil {
		return nil, nil
	}
	const few, many, cols = 12, 20, 300 // many: more rows than dispatches follow, but for those that change what rows keep
	x, weight := t.input("x", make([]float32, many*cols), cols), t.floats("weight", make([]float32, cols))
	table, _ := t.rows(make([]shaders.Row, many), false)
	if t.err != nil {
		return nil, nil
	}
	first := func(n int) shaders.Rows {
		return shaders.Rows{Span: table.Span.Slice(0, uint64(n)*shaders.RowBytes), N: n}
	}
	r := t.kernels[0].Record("shapes")
	r.Gather(x.First(few), x.Tensor, first(few)) // before: not one of them
	r.Follow(live, false)
	r.Noise(x.First(few), weight, normEps, 1, first(few)) // {live, 1, 1}
	r.Scatter(x.Tensor, x.First(few), first(few))         // {2, live, 1}
	r.Gather(x.First(few-1), x.Tensor, first(few-1))      // the same
	r.Noise(x.Tensor, weight, normEps, 1, first(many))    // as the first
	r.Gather(x.Tensor, x.Tensor, first(many))             // does not follow
	r.Follow(live, true)
	r.Noise(x.First(1), weight, normEps, 1, first(1)) // {1 while any is live, 1, 1}
	r.Noise(x.First(2), weight, normEps, 1, first(2)) // does not follow
	r.Gather(x.First(1), x.Tensor, first(1))          // {2, 1 while any is live, 1}
	r.Follow(nil, false)
	r.Gather(x.First(3), x.Tensor, first(3))
	prog, err := r.End()
	if t.err = err; err != nil {
		return nil, nil
	}
	prog.Free()
	const any = 1 << 24 // no pass has as many rows
	return live, []shape{{[3]uint32{0, 1, 1}, 0, 1, 1}, {[3]uint32{2, 0, 1}, 1, 1, 1}, {[3]uint32{0, 1, 1}, 0, 1, any}, {[3]uint32{2, 0, 1}, 1, 1, any}}
}

// template is the table of live rows as an operand, whose shapes must be those recorded. Behind them it gets further ones, more
// than there are invocations: of several rows a workgroup, and along every axis.
func (t *trial) template(live *shaders.Live, shapes *[]shape) *operand {
	content := make([]byte, live.Table.Size())
	t.fail(t.dev.Read(live.Table, content))
	const header = 4
	recorded := wordsOf(content)
	put := func(i int, s shape) {
		for k, w := range []uint32{s.groups[0], s.groups[1], s.groups[2], s.axis, s.times, s.each} {
			binary.LittleEndian.PutUint32(content[4*(header+6*i+k):], w)
		}
	}
	for i, s := range *shapes {
		put(i, s)
	}
	if recorded[1] != uint32(len(*shapes)) || !slices.Equal(recorded[header:], wordsOf(content)[header:]) {
		t.fail(fmt.Errorf("%d shapes of recorded dispatches, %v; want %v", recorded[1], recorded[header:][:6*recorded[1]], *shapes))
	}
	for i := range 130 {
		s := shape{[3]uint32{uint32(i + 1), uint32(i + 2), uint32(i + 3)}, uint32(i % 3), uint32(1 + i%4), uint32(1 + i%9)}
		put(len(*shapes), s)
		*shapes = append(*shapes, s)
	}
	binary.LittleEndian.PutUint32(content[4:], uint32(len(*shapes)))
	return t.block("live rows", live.Table, content, true)
}
