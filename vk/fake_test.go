package vk

import (
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
	stream     stream   // what was recorded last
	views      []uint64 // sizes of those created
	closed     bool
	onPipeline func(pipelineInfo) error // called before each
	idle       func()                   // what waiting for the device does
	stuck      func() error             // what every wait does, when set
}

func newFake() *fake {
	return &fake{objects: make(map[handle]string), memories: make(map[handle][]byte), flying: make(map[handle]bool)}
}

// fakeDevice opens a device over a fake.
func fakeDevice(t *testing.T, f *fake, opt Options) *Device {
	t.Helper()
	d, err := newDevice(recordedCaps(t)["llvmpipe (LLVM 15.0.6, 256 bits)"], f, opt)
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

func (f *fake) destroy(_ object, h handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.memories, h)
	if f.objects[h] == "" {
		panic("destroyed twice or never made")
	}
	delete(f.objects, h)
}

func (f *fake) createBuffer(size uint64) (handle, requirements, error) {
	h, err := f.create("buffer")
	return h, requirements{size, ^uint32(0)}, err
}

func (f *fake) allocate(size uint64, memoryType int) (handle, error) {
	if f.memory > 0 && size > f.memory {
		return 0, &Error{Op: "allocate memory", Result: resultOutOfDeviceMemory}
	}
	h, err := f.create("memory")
	if err != nil {
		return 0, err
	}
	f.memories[h] = make([]byte, min(size, 1<<28)) // a test maps no more
	return h, nil
}
func (f *fake) bind(buffer, memory handle) error { return f.step("bind memory") }
func (f *fake) mapMemory(m handle, size uint64) (unsafe.Pointer, error) {
	return unsafe.Pointer(unsafe.SliceData(f.memories[m])), f.step("map memory")
}
func (f *fake) createSetLayout(bindings) (handle, error)            { return f.create("set layout") }
func (f *fake) createPipelineLayout(handle, uint32) (handle, error) { return f.create("layout") }
func (f *fake) pipelineCacheData(handle) ([]byte, error)            { return f.cacheData, nil }
func (f *fake) mergePipelineCache(_ handle, data []byte) error {
	if f.refuse {
		return &Error{Op: "merge pipeline caches", Result: resultInitFailed}
	}
	f.cacheData = append(f.cacheData, data[32:]...)
	return f.step("merge pipeline caches")
}
func (f *fake) createPipeline(p pipelineInfo) (handle, error) {
	if f.onPipeline != nil {
		if err := f.onPipeline(p); err != nil {
			return 0, err
		}
	}
	return f.create("pipeline")
}
func (f *fake) createView(_ handle, _, size uint64, _ Texel) (handle, error) {
	f.views = append(f.views, size)
	return f.create("view")
}
func (f *fake) createQueries(int) (handle, error)            { return f.create("queries") }
func (f *fake) timestamps(_ handle, n int) ([]uint64, error) { return make([]uint64, n), nil }
func (f *fake) createFence() (handle, error)                 { return f.create("fence") }
func (f *fake) record(c []command, s stream, oneTime bool) error {
	f.stream = s
	return f.step("record")
}
func (f *fake) waitIdle() error {
	f.idled++
	f.flying = make(map[handle]bool)
	if f.idle != nil {
		f.idle()
	}
	return nil
}
func (f *fake) close() { f.closed = true }

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
	if f.stuck != nil {
		return false, f.stuck()
	}
	if f.waited%3 == 1 {
		return false, nil // the slice ran out
	}
	delete(f.flying, fence)
	return true, nil
}
func (f *fake) reset(handle) error { return nil }
