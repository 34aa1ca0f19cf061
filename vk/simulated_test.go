package vk

import (
	"fmt"
	"testing"
	"time"
)

// The 3.5B Huginn: width, MLP, heads of 96, vocabulary, layers of prelude, core and coda.
const (
	hWidth, hWide, hHeads, hVocab = 5280, 17920, 55, 65536
	hPrelude, hCore, hCoda        = 2, 4, 2
)

// huginn makes the jobs of a pass as the recorder would on a GPU, for so many rows after so many positions.
type huginn struct {
	weight        float64 // bytes
	rows, context uint64
	jobs          []job
}

func (h *huginn) product(outputs, inputs, matrices uint64) {
	groups := [3]uint32{uint32(ceil(outputs*matrices, 4)), uint32(ceil(h.rows, 8)), 1}
	if h.rows > 16 {
		groups = [3]uint32{uint32(ceil(outputs*matrices, 64)), uint32(ceil(h.rows, 64)), 1}
	}
	w := outputs * inputs * matrices
	h.jobs = append(h.jobs, job{groups: groups, cost: Cost{
		Bytes: uint64(float64(w)*h.weight) + 4*h.rows*(inputs+outputs), FLOPs: 2 * w * h.rows,
	}})
}

func (h *huginn) layers(n int) {
	norm := job{groups: [3]uint32{uint32(h.rows), 1, 1}, cost: Cost{Bytes: 28 * h.rows * hWidth, FLOPs: 10 * h.rows * hWidth}}
	for range n {
		h.product(3*hWidth, hWidth, 1)
		h.jobs = append(h.jobs, job{groups: [3]uint32{42, uint32(h.rows), 1}, cost: Cost{Bytes: 24 * h.rows * hWidth}})
		work := h.rows * h.context * hWidth
		h.jobs = append(h.jobs, job{groups: [3]uint32{hHeads, uint32(h.rows), 1}, cost: Cost{Bytes: 8 * work, FLOPs: 4 * work}})
		h.product(hWidth, hWidth, 1)
		h.jobs = append(h.jobs, norm)
		h.product(hWide, hWidth, 2)
		h.product(hWidth, hWide, 1)
		h.jobs = append(h.jobs, norm)
	}
}

// pass gives the programs of a pass of r core steps.
func (h huginn) pass(r int) [][]job {
	part := func(f func(h *huginn)) []job {
		p := h
		f(&p)
		return p.jobs
	}
	progs := [][]job{part(func(h *huginn) { h.layers(hPrelude) })}
	step := part(func(h *huginn) { h.product(hWidth, 2*hWidth, 1); h.layers(hCore) })
	for range r {
		progs = append(progs, step)
	}
	return append(progs, part(func(h *huginn) { h.layers(hCoda); h.rows = 1; h.product(hVocab, hWidth, 1) }))
}

// submissions plans programs as End and Run do, and returns the predicted time of each submission and of the longest op.
func submissions(progs [][]job, s Speed) (list []time.Duration, longest time.Duration) {
	var segments []segment
	for _, jobs := range progs {
		var estimates []time.Duration
		for _, p := range plan(jobs, s) {
			estimates = append(estimates, p.estimate)
			longest = max(longest, p.estimate)
		}
		starts := append(cut(estimates, segmentBudget), len(estimates))
		for k := range starts[:len(starts)-1] {
			segments = append(segments, segment{first: k == 0, estimate: sum(estimates[starts[k]:starts[k+1]])})
		}
	}
	for len(segments) > 0 {
		n := group(segments, submissionBudget, 0)
		var t time.Duration
		for _, s := range segments[:n] {
			t += s.estimate
		}
		list = append(list, t)
		segments = segments[n:]
	}
	return list, longest
}

func sum(list []time.Duration) (t time.Duration) {
	for _, e := range list {
		t += e
	}
	return t
}

// TestSimulatedDevices plans a token and a prompt on devices from 20 to 3000 GB/s and 0.3 to 80 TFLOP/s.
func TestSimulatedDevices(t *testing.T) {
	type device struct{ gb, tflop float64 }
	var devices []device
	for _, gb := range []float64{20, 50, 100, 200, 448, 1008, 1800, 3000} {
		for _, tflop := range []float64{0.3, 0.6, 2, 10, 40, 80} {
			devices = append(devices, device{gb, tflop})
		}
	}
	formats := []struct {
		name  string
		bytes float64
	}{{"bf16", 2}, {"q8_0", 34. / 32}, {"q4_0", 18. / 32}}
	passes := []struct {
		name          string
		rows, context uint64
	}{{"a token", 1, 512}, {"a token after 4096", 1, 4096}, {"8 rows after 4096", 8, 4096}, {"a prompt of 512", 512, 512}, {"512 rows after 4096", 512, 4096}}
	for _, dev := range devices {
		s := Speed{Read: dev.gb * 1e9, FMA: dev.tflop * 1e12, Dispatch: 8 * time.Microsecond}
		for _, f := range formats {
			for _, p := range passes {
				name := fmt.Sprintf("%v GB/s, %v TFLOP/s, %s, %s", dev.gb, dev.tflop, f.name, p.name)
				list, longest := submissions(huginn{weight: f.bytes, rows: p.rows, context: p.context}.pass(32), s)
				if longest > 100*time.Millisecond {
					t.Errorf("%s: a dispatch of %v", name, longest)
				}
				for _, e := range list {
					if e > 150*time.Millisecond {
						t.Errorf("%s: a submission of %v", name, e)
						break
					}
				}
				least := int(sum(list)/submissionBudget) + 1
				// Parts of an op are even, not of the size that would fill submissions.
				if most := least + least/3 + 1; len(list) > most {
					t.Errorf("%s: %d submissions for %v, want at most %d", name, len(list), sum(list), most)
				}
				if dev.tflop == 80 || dev.gb == 20 && dev.tflop == 0.3 {
					t.Logf("%s: %d submissions for %v, longest dispatch %v", name, len(list), sum(list), longest)
				}
			}
		}
	}
	// A fast GPU does a token in few submissions: two are in flight, and each costs the host some tens of microseconds.
	h100 := Speed{Read: 3e12, FMA: 60e12, Dispatch: 3 * time.Microsecond}
	if list, _ := submissions(huginn{weight: 18. / 32, rows: 1, context: 512}.pass(32), h100); len(list) > 1 {
		t.Errorf("a token in q4_0 at 3 TB/s: %d submissions of %v", len(list), list)
	}
	if list, _ := submissions(huginn{weight: 2, rows: 1, context: 512}.pass(32), h100); len(list) > 3 {
		t.Errorf("a token in bf16 at 3 TB/s: %d submissions of %v", len(list), list)
	}
}
