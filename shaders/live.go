package shaders

import (
	"fmt"

	"muninn/vk"
)

// grid is the workgroups of a dispatch, and which dimension goes by the rows of the pass.
type grid struct {
	groups [3]uint32
	rows   int // rows that the dimension `axis` covers; 0: it does not go by rows
	axis   int
	times  int  // items that a row has along the dimension
	each   int  // items a workgroup
	always bool // by the live rows even where there are many: the kernel changes what rows keep
}

func fixed(x uint32) grid { return grid{groups: [3]uint32{x, 1, 1}} }

// rowsX is a workgroup for each of n rows.
func rowsX(n int) grid { return grid{groups: [3]uint32{uint32(n), 1, 1}, rows: n, times: 1, each: 1} }

// rowsY is x workgroups for every `each` of n rows.
func rowsY(x uint32, n, each int) grid {
	return grid{groups: [3]uint32{x, groups(n, each), 1}, rows: n, axis: 1, times: 1, each: each}
}

// rowsPart is a workgroup for `each` of the items that n rows have, so many a row.
func rowsPart(n, items, each int) grid {
	return grid{groups: [3]uint32{groups(n*items, each), 1, 1}, rows: n, times: items, each: each}
}

func (g grid) deep(z int) grid {
	g.groups[2] = uint32(z)
	return g
}

func (g grid) kept() grid {
	g.always = true
	return g
}

// groups is the number of workgroups that cover n items.
func groups(n, each int) uint32 { return uint32((n + each - 1) / each) }

// Live is what makes dispatches follow the rows that are still live: for every shape of dispatch its counts, which
// Retire works out anew after each core step. Rows that are done cost nothing then; when none is live, steps that are
// still recorded do nothing.
type Live struct {
	dev    *vk.Device
	Table  vk.Span      // header and templates as in retire.comp: live rows, templates in use, then 6 words each
	Counts vk.Span      // a shape's three workgroup counts every CountStride bytes
	known  map[grid]int // by what of them is not the rows'
}

// CountStride is the bytes from one shape's counts to the next: spans begin where buffers may be bound.
const CountStride = 64

const (
	maxTemplates  = 1024
	liveHeader    = 4 // words
	templateWords = 6
	// liveRows is how many rows a pass may have for all its dispatches to follow them. Those of more rows are cut up
	// by the planner, which only those of fixed size can be; what rows keep follows them even so.
	liveRows = 16
)

// NewLive takes the table and the counts from the arena. Without a device, whose arena only counts, nothing is written.
func NewLive(dev *vk.Device, a *vk.Arena) (*Live, error) {
	l := &Live{dev: dev, known: map[grid]int{}}
	var err error
	if l.Table, err = a.Alloc(4 * (liveHeader + maxTemplates*templateWords)); err != nil {
		return nil, err
	}
	if dev != nil {
		if err = dev.Fill(l.Table, 0); err != nil {
			return nil, err
		}
	}
	l.Counts, err = a.Alloc(maxTemplates * CountStride)
	return l, err
}

// Reset forgets all shapes. No program that was recorded with them may run again.
func (l *Live) Reset() { clear(l.known) }

// Full tells that programs should be dropped and Reset called before more are recorded.
func (l *Live) Full() bool { return len(l.known) > maxTemplates/2 }

func (l *Live) takes(g grid, whole bool) bool {
	if whole {
		return g.rows > 0 && g.groups[g.axis] == 1
	}
	return g.rows > 0 && (g.always || g.rows <= liveRows)
}

// args is where the counts of a dispatch of that shape lie.
func (l *Live) args(g grid, whole bool) (vk.Span, error) {
	if whole && g.groups[g.axis] == 1 {
		g.each = 1 << 24
	}
	g.groups[g.axis], g.rows, g.always = 0, 0, false // whatever was recorded, the rows decide
	i, ok := l.known[g]
	if !ok {
		if i = len(l.known); i == maxTemplates {
			return vk.Span{}, fmt.Errorf("shaders: more than %d shapes of dispatches", maxTemplates)
		}
		l.known[g] = i
		var b [4 * templateWords]byte
		put(b[:], g.groups[0], g.groups[1], g.groups[2], uint32(g.axis), uint32(g.times), uint32(g.each))
		if err := l.dev.Write(l.Table.Slice(4*liveHeader+uint64(i*len(b)), uint64(len(b))), b[:]); err != nil {
			return vk.Span{}, err
		}
		put(b[:], uint32(len(l.known)))
		if err := l.dev.Write(l.Table.Slice(4, 4), b[:4]); err != nil {
			return vk.Span{}, err
		}
	}
	return l.Counts.Slice(uint64(i)*CountStride, 12), nil
}

// Follow makes the dispatches recorded from here on follow the live rows; nil: no longer. whole: they are done for all of
// their own rows as long as any row is live.
func (r *Recorder) Follow(l *Live, whole bool) { r.live, r.whole = l, whole }

// pieces is in how many parts a matmul of n rows is to be recorded: the planner cannot cut what follows the live rows.
func (r *Recorder) pieces(n int, cost vk.Cost) int {
	if r.live == nil || n > liveRows {
		return 1
	}
	return r.k.dev.Pieces(cost)
}
