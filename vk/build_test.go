package vk

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Kernels are compiled when the first program with them ends: all at once, each once, and no others.
func TestKernelsAreBuiltTogether(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	f := newFake()
	d := fakeDevice(t, f, Options{})
	prepare := func(name string) *Kernel {
		k, err := d.Prepare(name, compiled(t, "halve"), KernelOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a := d.NewArena("a", DeviceLocal)
	s, err := a.Alloc(1024)
	if err != nil {
		t.Fatal(err)
	}
	program := func(kernels ...*Kernel) (*Program, error) {
		p := d.NewProgram("p")
		t.Cleanup(p.Free)
		for range 2 {
			for _, k := range kernels {
				p.Dispatch(k, []uint32{256}, [3]uint32{4, 1, 1}, Cost{}, s)
			}
		}
		return p, p.End()
	}
	// Each of three waits until all of them are being compiled.
	var made atomic.Int64
	var together sync.WaitGroup
	together.Add(3)
	f.onPipeline = func(pipelineInfo) error {
		made.Add(1)
		together.Done()
		done := make(chan struct{})
		go func() { together.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("one after the other")
		}
		return nil
	}
	one, two, three, unused := prepare("one"), prepare("two"), prepare("three"), prepare("unused")
	if made.Load() != 0 {
		t.Errorf("%d kernels compiled before they are needed", made.Load())
	}
	if _, err := program(one, two, three); err != nil {
		t.Fatal(err)
	}
	if _, err := program(three, one); err != nil || made.Load() != 3 || unused.pipeline != 0 {
		t.Errorf("%d kernels compiled, want 3 (%v)", made.Load(), err)
	}
	// What fails is named, all of it, and may be tried again.
	f.onPipeline = func(p pipelineInfo) error {
		return &Error{Op: "create pipeline", Name: p.name, Result: resultInitFailed}
	}
	if _, err := program(unused, prepare("four"), one); err == nil || !strings.Contains(err.Error(), "unused") || !strings.Contains(err.Error(), "four") {
		t.Errorf("two that fail: %v", err)
	}
	f.onPipeline = nil
	if _, err := program(unused); err != nil {
		t.Errorf("tried again: %v", err)
	}
	if _, err := d.Prepare("none", []byte("not a kernel"), KernelOptions{}); err == nil || !strings.Contains(err.Error(), "kernel none") {
		t.Errorf("prepared from text: %v", err)
	}
}
