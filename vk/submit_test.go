package vk

import (
	"context"
	"testing"
	"time"
)

// costs is the cost of an op that is predicted to take so long, the dispatch itself left out.
func costs(d *Device, each time.Duration) Cost {
	return Cost{Bytes: uint64(each.Seconds() * readShare * d.Speed().Read)}
}

// work makes n ended programs, each estimated at the given time.
func work(t *testing.T, d *Device, n int, each time.Duration) []*Program {
	t.Helper()
	a := d.NewArena("work", DeviceLocal)
	s, err := a.Alloc(1024)
	if err != nil {
		t.Fatal(err)
	}
	k, err := d.NewKernel("halve", compiled(t, "halve"), KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	progs := make([]*Program, n)
	for i := range progs {
		progs[i] = d.NewProgram("work")
		progs[i].Dispatch(k, []uint32{256}, [3]uint32{4, 1, 1}, costs(d, each), s)
		if err := progs[i].End(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, p := range progs {
			p.Free()
		}
		a.Free()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return progs
}

func TestRunGroupsByBudget(t *testing.T) {
	for _, c := range []struct {
		name        string
		each        time.Duration
		perSubmit   int
		submissions int
	}{
		{"40 ms each: three a submission", 40 * time.Millisecond, 0, 4},
		{"tiny: one submission", time.Microsecond, 0, 1},
		{"tiny, three programs a submission", time.Microsecond, 3, 4},
		{"one program a submission", 40 * time.Millisecond, 1, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			d := fakeDevice(t, f, Options{})
			progs := work(t, d, 10, c.each)
			if err := d.Run(t.Context(), RunOptions{PerSubmit: c.perSubmit}, progs...); err != nil {
				t.Fatal(err)
			}
			if len(f.submits) != c.submissions {
				t.Errorf("%d submissions, want %d", len(f.submits), c.submissions)
			}
			var order []command
			for _, s := range f.submits {
				order = append(order, s...)
			}
			if len(order) != 10 {
				t.Fatalf("%d command buffers submitted, want 10", len(order))
			}
			for i := range order {
				if order[i] != progs[i].segments[0].command {
					t.Errorf("command buffer %d is out of order", i)
				}
			}
			if want := min(2, c.submissions); f.mostFlying != want || len(f.flying) != 0 {
				t.Errorf("at most %d in flight and %d at the end, want %d and 0", f.mostFlying, len(f.flying), want)
			}
			if got := d.Counters(); got.Dispatches != 10 || got.Submissions != uint64(c.submissions) || got.Recordings != 10 {
				t.Errorf("counters %+v", got)
			}
		})
	}
}

func TestCancelBetweenSubmissions(t *testing.T) {
	f := newFake()
	d := fakeDevice(t, f, Options{})
	progs := work(t, d, 20, 49*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	f.onSubmit = func(n int) {
		if n == 4 {
			cancel()
		}
	}
	if err := d.Run(ctx, RunOptions{}, progs...); err != context.Canceled {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if len(f.submits) != 4 || len(f.flying) != 0 {
		t.Errorf("%d submissions with %d still in flight, want 4 and 0", len(f.submits), len(f.flying))
	}
	f.onSubmit = nil
	if err := d.Run(t.Context(), RunOptions{}, progs...); err != nil {
		t.Errorf("a run after a cancelled one: %v", err)
	}
}

func TestProgramIsCutIntoSegments(t *testing.T) {
	d := fakeDevice(t, newFake(), Options{})
	a := d.NewArena("a", DeviceLocal)
	s, err := a.Alloc(1024)
	if err != nil {
		t.Fatal(err)
	}
	p := d.NewProgram("long")
	for range 10 {
		p.Fill(s, 0)
		p.ops[len(p.ops)-1].cost = costs(d, 12*time.Millisecond)
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	// Three ops of 12 ms fit into a quarter of 150 ms.
	if p.Segments() != 4 || p.Barriers() != 9 {
		t.Errorf("%d segments and %d barriers, want 4 and 9", p.Segments(), p.Barriers())
	}
	p.Free()
	a.Free()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
