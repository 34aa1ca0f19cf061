package vk

import (
	"reflect"
	"testing"
	"time"
)

func TestEstimate(t *testing.T) {
	s := Speed{Read: 50e9, FMA: 1e12, Dispatch: 10 * time.Microsecond}
	if got := s.Estimate(Cost{}); got != 10*time.Microsecond {
		t.Errorf("an empty op: %v", got)
	}
	// A fifth of the bandwidth and a tenth of the arithmetic, one after the other.
	if got := s.Estimate(Cost{Bytes: 1e9, FLOPs: 10e9}); got != 200*time.Millisecond+10*time.Microsecond {
		t.Errorf("1 GB and 10 GFLOP: %v", got)
	}
	if got := s.Estimate(Cost{FLOPs: ^uint64(0)}); got < time.Hour {
		t.Errorf("an absurd cost wraps around: %v", got)
	}
	slow, fast := (Caps{Type: "unheard of"}).classSpeed(), (Caps{Type: "discrete"}).classSpeed()
	if slow.Read >= fast.Read || slow.FMA >= fast.FMA {
		t.Errorf("an unknown type is taken for faster (%+v) than a discrete GPU (%+v)", slow, fast)
	}
}

// TestSplit: boxes cover the grid once, stay within the budget, and cut the first dimension first.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		grid         [3]uint32
		cost, budget float64
		want         int // boxes
	}{
		{[3]uint32{100, 1, 1}, 10, 1, 10},
		{[3]uint32{100, 4, 1}, 3.5, 1, 4},
		{[3]uint32{3, 8, 1}, 12, 1, 12}, // columns of 4 each: two boxes of 2 in each of them
		{[3]uint32{1, 1, 7}, 7, 2, 4},
		{[3]uint32{5, 3, 2}, 1e9, 1, 30}, // nothing is left to cut
		{[3]uint32{5, 3, 2}, 1, -1, 30},
		{[3]uint32{1 << 31, 1, 1}, 100, 50, 2},
		{[3]uint32{4294967295, 1, 1}, 3, 1, 3},
	} {
		boxes := split(c.grid, c.cost, c.budget)
		if len(boxes) != c.want {
			t.Errorf("%v of %v in %v: %d boxes, want %d", c.grid, c.cost, c.budget, len(boxes), c.want)
		}
		covered, end := 0.0, box{}
		for i, b := range boxes {
			v := volume(b.groups)
			covered += v
			if v > 1 && c.cost*v/volume(c.grid) > c.budget*(1+1e-9) {
				t.Errorf("%v: box %v is above the budget", c.grid, b)
			}
			for d := range 3 {
				if uint64(b.base[d])+uint64(b.groups[d]) > uint64(c.grid[d]) {
					t.Errorf("%v: box %v is outside", c.grid, b)
				}
			}
			if i > 0 && b.base == end.base {
				t.Errorf("%v: box %v twice", c.grid, b)
			}
			end = b
		}
		if covered != volume(c.grid) {
			t.Errorf("%v: boxes cover %v groups of %v", c.grid, covered, volume(c.grid))
		}
	}
}

func TestPlan(t *testing.T) {
	s := Speed{Read: 5e9, FMA: 10e9, Dispatch: time.Millisecond} // 1 GB/s and 1 GFLOP/s planned
	jobs := []job{
		{groups: [3]uint32{10, 1, 1}, cost: Cost{Bytes: 48e6}},
		{groups: [3]uint32{100, 3, 1}, cost: Cost{Bytes: 300e6}},
		{groups: [3]uint32{100, 1, 1}, cost: Cost{Bytes: 300e6}, whole: true},
		{groups: [3]uint32{0, 1, 1}, cost: Cost{Bytes: 300e6}},
	}
	var got []int
	for i, p := range plan(jobs, s) {
		got = append(got, p.op)
		switch {
		case p.op != 1 && (p.box != box{groups: jobs[p.op].groups} || !p.last):
			t.Errorf("part %d: %+v, want the whole op", i, p)
		case p.op == 1 && (p.last != (i == 7) || p.estimate > opBudget || i > 1 && p.estimate < 40*time.Millisecond):
			t.Errorf("part %d: %+v", i, p)
		case p.last && p.box.base != [3]uint32{}:
			t.Errorf("op %d ends with a part from %v on", p.op, p.box.base)
		}
	}
	// 300 ms in parts of at most 50 ms with a dispatch of 1 ms in each.
	if want := []int{0, 1, 1, 1, 1, 1, 1, 1, 2, 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("parts of ops %v, want %v", got, want)
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		name      string
		estimates []time.Duration
		want      []int
	}{
		{"nothing", nil, nil},
		{"all fit", []time.Duration{40, 40, 20}, []int{0}},
		{"the budget is reached, not crossed", []time.Duration{60, 40, 1}, []int{0, 2}},
		{"one op above the budget is alone", []time.Duration{10, 500, 10}, []int{0, 1, 2}},
		{"only large ops", []time.Duration{500, 500}, []int{0, 1}},
	} {
		if got := cut(c.estimates, 100); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name      string
		segments  []segment
		perSubmit int
		want      int
	}{
		{"by budget", []segment{{first: true, estimate: 50}, {first: true, estimate: 50}, {first: true, estimate: 1}}, 0, 2},
		{"at least one", []segment{{first: true, estimate: 500}, {first: true, estimate: 1}}, 0, 1},
		{"by programs", []segment{{first: true, estimate: 1}, {estimate: 1}, {first: true, estimate: 1}, {first: true, estimate: 1}}, 2, 3},
		{"one program a submission, of two pieces", []segment{{first: true, estimate: 1}, {estimate: 1}, {first: true, estimate: 1}}, 1, 2},
		{"programs asked for do not lift the budget", []segment{{first: true, estimate: 60}, {first: true, estimate: 60}}, 8, 1},
		{"all", []segment{{first: true, estimate: 1}, {first: true, estimate: 1}}, 0, 2},
	} {
		if got := group(c.segments, 100, c.perSubmit); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestElapsed(t *testing.T) {
	c := Caps{TimestampBits: 36, TimestampPeriod: 83.5}
	// 36 valid bits: the counter wrapped between the two readings, and the upper bits are noise.
	if got := c.elapsed(1<<36-100, 1<<60|100); got != 16700 {
		t.Errorf("200 ticks of 83.5 ns across the wrap: %v, want 16.7µs", got)
	}
	if got := (Caps{TimestampBits: 64, TimestampPeriod: 1}).elapsed(5, 1005); got != time.Microsecond {
		t.Errorf("1000 ticks: %v", got)
	}
}
