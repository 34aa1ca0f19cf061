package vk

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A wait that does not end is given up after a time that follows from the plan, whether the driver says so again and again or
// does not come back at all. Nothing that the device may still use is destroyed then, and closing does not hang either.
func TestHangingDevice(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	for name, stuck := range map[string]func() error{
		"time and again": func() error { time.Sleep(time.Millisecond); return nil },
		"for ever":       func() error { <-never; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			d := fakeDevice(t, f, Options{})
			d.drv.patience = 50 * time.Millisecond
			a := d.NewArena("a", DeviceLocal)
			s, err := a.Alloc(1024)
			if err != nil {
				t.Fatal(err)
			}
			p := d.NewProgram("p")
			p.Fill(s, 0)
			if err := p.End(); err != nil {
				t.Fatal(err)
			}
			if err := d.Run(t.Context(), RunOptions{}, p); err != nil {
				t.Fatal(err)
			}
			f.stuck = stuck
			objects := len(f.objects)
			start := time.Now()
			err = d.Run(t.Context(), RunOptions{}, p)
			if !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), "for work predicted to take") || !strings.Contains(err.Error(), "fill") && !strings.Contains(err.Error(), "p op") {
				t.Errorf("error %v", err)
			}
			p.Free()
			a.Free()
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%v", took)
			}
			if f.closed || len(f.objects) != objects {
				t.Errorf("%d of %d objects left, closed %v", len(f.objects), objects, f.closed)
			}
		})
	}
}

// The device's own wait at the end is bounded as well.
func TestIdleThatDoesNotEnd(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	f := newFake()
	d := fakeDevice(t, f, Options{})
	d.drv.patience = 20 * time.Millisecond
	a := d.NewArena("a", DeviceLocal)
	s, err := a.Alloc(64)
	if err == nil {
		err = d.Fill(s, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Free()
	f.idle = func() { <-never }
	if err := d.Close(); err != nil || f.closed {
		t.Errorf("%v, closed %v", err, f.closed)
	}
	if err := d.Lost(); !errors.Is(err, ErrDeviceLost) || !strings.Contains(err.Error(), "to be idle") {
		t.Errorf("lost: %v", err)
	}
}
