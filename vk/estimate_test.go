package vk

import (
	"reflect"
	"testing"
	"time"
)

func TestEstimate(t *testing.T) {
	c := Caps{Type: "cpu"}
	if got := c.Estimate(Cost{}); got != 10*time.Microsecond {
		t.Errorf("an empty op: %v", got)
	}
	// The larger of memory time and arithmetic time counts: 4 GB/s and 8 GFLOP/s assumed.
	if got := c.Estimate(Cost{Bytes: 400e6, FLOPs: 8e6}); got != 100*time.Millisecond+10*time.Microsecond {
		t.Errorf("400 MB: %v", got)
	}
	if got := c.Estimate(Cost{Bytes: 4e6, FLOPs: 800e6}); got != 100*time.Millisecond+10*time.Microsecond {
		t.Errorf("800 MFLOP: %v", got)
	}
	if got := c.Estimate(Cost{FLOPs: ^uint64(0)}); got < time.Hour {
		t.Errorf("an absurd cost wraps around: %v", got)
	}
	if slow, fast := (Caps{Type: "unheard of"}).Estimate(Cost{Bytes: 1e9}), (Caps{Type: "discrete"}).Estimate(Cost{Bytes: 1e9}); slow <= fast {
		t.Errorf("an unknown type is assumed faster (%v) than a discrete GPU (%v)", slow, fast)
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
		pieces    []piece
		perSubmit int
		want      int
	}{
		{"by budget", []piece{{0, 50}, {1, 50}, {2, 1}}, 0, 2},
		{"at least one", []piece{{0, 500}, {1, 1}}, 0, 1},
		{"by programs", []piece{{0, 1}, {0, 1}, {1, 1}, {2, 1}}, 2, 3},
		{"one program a submission, of two pieces", []piece{{0, 1}, {0, 1}, {1, 1}}, 1, 2},
		{"programs asked for do not lift the budget", []piece{{0, 60}, {1, 60}}, 8, 1},
		{"all", []piece{{0, 1}, {1, 1}}, 0, 2},
	} {
		if got := group(c.pieces, 100, c.perSubmit); got != c.want {
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
