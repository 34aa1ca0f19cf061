package vk

import (
	"context"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// fake is a driver that does nothing but remember: it lets the logic above the driver be tested without a device, and
// without cgo.
type fake struct {
	mu         sync.Mutex
	next       handle
	objects    map[handle]string
	memories   map[handle][]byte
	submits    [][]command
	onSubmit   func(n int) // called before submission n, from 1
	flying     map[handle]bool
	waited     int
	mostFlying int
	idled      int
	memory     uint64 // allocations above this many bytes fail; 0 for no limit
	cacheData  []byte
	refuse     bool // pipeline caches with data are refused
	failAt     int  // the call that fails, counted over creating and recording calls; 0 for none
	calls      int
	stream     stream // what was recorded last
	closed     bool
}

func newFake() *fake {
	return &fake{objects: make(map[handle]string), memories: make(map[handle][]byte), flying: make(map[handle]bool)}
}

// fakeDevice opens a device over a fake.
func fakeDevice(t *testing.T, f *fake, opt Options) *Device {
	t.Helper()
	d, err := newDevice(recordedCaps(t)["llvmpipe (LLVM 15.0.6, 256 bits)"], f, opt, false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// step counts a call that may fail.
func (f *fake) step(op string) error {
	if f.calls++; f.calls == f.failAt {
		return &Error{Op: op, Result: resultOutOfHostMemory}
	}
	return nil
}

func (f *fake) create(kind string) (handle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step("create " + kind); err != nil {
		return 0, err
	}
	f.next++
	f.objects[f.next] = kind
	return f.next, nil
}

func (f *fake) destroy(h handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.objects[h] == "" {
		panic("destroyed twice or never made")
	}
	delete(f.objects, h)
}

func (f *fake) createBuffer(size uint64) (handle, requirements, error) {
	h, err := f.create("buffer")
	return h, requirements{size, ^uint32(0)}, err
}
func (f *fake) destroyBuffer(h handle) { f.destroy(h) }

func (f *fake) allocate(size uint64, memoryType int) (handle, error) {
	if f.memory > 0 && size > f.memory {
		return 0, &Error{Op: "allocate memory", Result: resultOutOfDeviceMemory}
	}
	h, err := f.create("memory")
	if err != nil {
		return 0, err
	}
	f.memories[h] = make([]byte, min(size, 1<<24))
	return h, nil
}
func (f *fake) bind(buffer, memory handle) error { return f.step("bind memory") }
func (f *fake) mapMemory(m handle, size uint64) (unsafe.Pointer, error) {
	return unsafe.Pointer(unsafe.SliceData(f.memories[m])), f.step("map memory")
}
func (f *fake) freeMemory(h handle) { delete(f.memories, h); f.destroy(h) }

func (f *fake) createSetLayout(int) (handle, error)                 { return f.create("set layout") }
func (f *fake) destroySetLayout(h handle)                           { f.destroy(h) }
func (f *fake) createPipelineLayout(handle, uint32) (handle, error) { return f.create("layout") }
func (f *fake) destroyPipelineLayout(h handle)                      { f.destroy(h) }
func (f *fake) pipelineCacheData(handle) ([]byte, error)            { return f.cacheData, nil }
func (f *fake) destroyPipelineCache(h handle)                       { f.destroy(h) }
func (f *fake) createPipeline(pipelineInfo) (handle, error)         { return f.create("pipeline") }
func (f *fake) destroyPipeline(h handle)                            { f.destroy(h) }
func (f *fake) destroySets(h handle)                                { f.destroy(h) }
func (f *fake) destroyCommands(h handle)                            { f.destroy(h) }
func (f *fake) createQueries(int) (handle, error)                   { return f.create("queries") }
func (f *fake) timestamps(_ handle, n int) ([]uint64, error)        { return make([]uint64, n), nil }
func (f *fake) destroyQueries(h handle)                             { f.destroy(h) }
func (f *fake) createFence() (handle, error)                        { return f.create("fence") }
func (f *fake) destroyFence(h handle)                               { f.destroy(h) }
func (f *fake) record(c []command, s stream, oneTime bool) error {
	f.stream = s
	return f.step("record")
}
func (f *fake) waitIdle() error { f.idled++; f.flying = make(map[handle]bool); return nil }
func (f *fake) close()          { f.closed = true }

func (f *fake) createPipelineCache(data []byte) (handle, error) {
	if f.refuse && data != nil {
		return 0, &Error{Op: "create pipeline cache", Result: resultInitFailed}
	}
	return f.create("cache")
}

func (f *fake) createSets(infos []setInfo) (handle, []handle, error) {
	sets := make([]handle, len(infos))
	for i := range sets {
		sets[i] = handle(1000 + i)
	}
	h, err := f.create("pool")
	return h, sets, err
}

func (f *fake) createCommands(n int) (handle, []command, error) {
	c := make([]command, n)
	for i := range c {
		f.next++
		c[i] = command(f.next)
	}
	h, err := f.create("commands")
	return h, c, err
}

func (f *fake) submit(c []command, fence handle) error {
	if f.onSubmit != nil {
		f.onSubmit(len(f.submits) + 1)
	}
	f.submits = append(f.submits, c)
	if f.flying[fence] {
		panic("fence submitted while in flight")
	}
	f.flying[fence] = true
	f.mostFlying = max(f.mostFlying, len(f.flying))
	return nil
}

func (f *fake) wait(fence handle, limit time.Duration) (bool, error) {
	if !f.flying[fence] {
		panic("waited for a fence that is not in flight")
	}
	f.waited++
	if f.waited%3 == 1 {
		return false, nil // the slice ran out
	}
	delete(f.flying, fence)
	return true, nil
}
func (f *fake) reset(handle) error { return nil }

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
		progs[i].Dispatch(k, []uint32{256}, [3]uint32{4, 1, 1}, Cost{Bytes: uint64(each.Seconds() * speeds["cpu"].bytes)}, s)
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
		{"40 ms each: two a submission", 40 * time.Millisecond, 0, 5},
		{"tiny: one submission", time.Microsecond, 0, 1},
		{"tiny, three programs a submission", time.Microsecond, 3, 4},
		{"above the budget: one each", time.Second, 0, 10},
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
	progs := work(t, d, 10, time.Second)
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
		p.ops[len(p.ops)-1].cost.Bytes = uint64(0.03 * speeds["cpu"].bytes) // 30 ms
	}
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	// Three ops of 30 ms fit into 100 ms.
	if p.Segments() != 4 || p.Barriers() != 9 {
		t.Errorf("%d segments and %d barriers, want 4 and 9", p.Segments(), p.Barriers())
	}
	p.Free()
	a.Free()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
