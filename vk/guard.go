package vk

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"muninn/vk/internal/seam"
)

// guard stands between the device and its driver. It latches the loss of the device, counts live objects, and fails
// where tests ask for it.
type guard struct {
	driver
	lost atomic.Pointer[DeviceLostError]
	test seam.Device

	mu   sync.Mutex
	last string // last op submitted
	live map[string]int
}

func newGuard(d driver) *guard { return &guard{driver: d, live: make(map[string]int)} }

// alive returns the latched error once the device is lost.
func (g *guard) alive() error {
	if e := g.lost.Load(); e != nil {
		return e
	}
	return nil
}

// check latches a device loss and passes other errors on.
func (g *guard) check(op string, err error) error {
	if err == nil || !errors.Is(err, ErrDeviceLost) {
		return err
	}
	g.mu.Lock()
	e := &DeviceLostError{Last: g.last, Op: op}
	g.mu.Unlock()
	g.lost.CompareAndSwap(nil, e)
	return g.lost.Load()
}

// made counts a created object and checks its error.
func (g *guard) made(kind string, err error) error {
	if err == nil {
		g.count(kind, 1)
	}
	return g.check("create "+kind, err)
}

func (g *guard) count(kind string, n int) {
	g.mu.Lock()
	g.live[kind] += n
	g.mu.Unlock()
}

// leaks names the objects still alive, or is empty.
func (g *guard) leaks() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var parts []string
	for kind, n := range g.live {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

func (g *guard) createBuffer(size uint64) (handle, requirements, error) {
	if err := g.alive(); err != nil {
		return 0, requirements{}, err
	}
	h, need, err := g.driver.createBuffer(size)
	return h, need, g.made("buffer", err)
}

func (g *guard) destroyBuffer(h handle) { g.driver.destroyBuffer(h); g.count("buffer", -1) }

func (g *guard) allocate(size uint64, memoryType int) (handle, error) {
	if err := g.alive(); err != nil {
		return 0, err
	}
	h, err := g.driver.allocate(size, memoryType)
	return h, g.made("memory", err)
}

func (g *guard) freeMemory(h handle) { g.driver.freeMemory(h); g.count("memory", -1) }

func (g *guard) bind(b, m handle) error { return g.check("bind memory", g.driver.bind(b, m)) }

func (g *guard) mapMemory(m handle, size uint64) (unsafe.Pointer, error) {
	p, err := g.driver.mapMemory(m, size)
	return p, g.check("map memory", err)
}

func (g *guard) createSetLayout(s bindings) (handle, error) {
	if err := g.alive(); err != nil {
		return 0, err
	}
	h, err := g.driver.createSetLayout(s)
	return h, g.made("set layout", err)
}

func (g *guard) destroySetLayout(h handle) { g.driver.destroySetLayout(h); g.count("set layout", -1) }

func (g *guard) createPipelineLayout(set handle, push uint32) (handle, error) {
	h, err := g.driver.createPipelineLayout(set, push)
	return h, g.made("pipeline layout", err)
}

func (g *guard) destroyPipelineLayout(h handle) {
	g.driver.destroyPipelineLayout(h)
	g.count("pipeline layout", -1)
}

func (g *guard) createPipelineCache(data []byte) (handle, error) {
	h, err := g.driver.createPipelineCache(data)
	return h, g.made("pipeline cache", err)
}

func (g *guard) destroyPipelineCache(h handle) {
	g.driver.destroyPipelineCache(h)
	g.count("pipeline cache", -1)
}

func (g *guard) createPipeline(p pipelineInfo) (handle, error) {
	if err := g.alive(); err != nil {
		return 0, err
	}
	if g.test.Due(seam.Pipeline) {
		return 0, &Error{Op: "create pipeline", Name: p.name, Result: resultInitFailed}
	}
	h, err := g.driver.createPipeline(p)
	return h, g.made("pipeline", err)
}

func (g *guard) destroyPipeline(h handle) { g.driver.destroyPipeline(h); g.count("pipeline", -1) }

func (g *guard) createView(buffer handle, offset, size uint64, t Texel) (handle, error) {
	h, err := g.driver.createView(buffer, offset, size, t)
	return h, g.made("buffer view", err)
}

func (g *guard) destroyView(h handle) { g.driver.destroyView(h); g.count("buffer view", -1) }

func (g *guard) createSets(s []setInfo) (handle, []handle, error) {
	if err := g.alive(); err != nil {
		return 0, nil, err
	}
	h, sets, err := g.driver.createSets(s)
	return h, sets, g.made("descriptor pool", err)
}

func (g *guard) destroySets(h handle) { g.driver.destroySets(h); g.count("descriptor pool", -1) }

func (g *guard) createCommands(n int) (handle, []command, error) {
	if err := g.alive(); err != nil {
		return 0, nil, err
	}
	h, c, err := g.driver.createCommands(n)
	return h, c, g.made("command pool", err)
}

func (g *guard) destroyCommands(h handle) { g.driver.destroyCommands(h); g.count("command pool", -1) }

func (g *guard) createQueries(n int) (handle, error) {
	if err := g.alive(); err != nil {
		return 0, err
	}
	h, err := g.driver.createQueries(n)
	return h, g.made("query pool", err)
}

func (g *guard) destroyQueries(h handle) { g.driver.destroyQueries(h); g.count("query pool", -1) }

func (g *guard) timestamps(h handle, n int) ([]uint64, error) {
	t, err := g.driver.timestamps(h, n)
	return t, g.check("read timestamps", err)
}

func (g *guard) createFence() (handle, error) {
	h, err := g.driver.createFence()
	return h, g.made("fence", err)
}

func (g *guard) destroyFence(h handle) { g.driver.destroyFence(h); g.count("fence", -1) }

func (g *guard) record(c []command, s stream, oneTime bool) error {
	if err := g.alive(); err != nil {
		return err
	}
	return g.check("record", g.driver.record(c, s, oneTime))
}

// submitOp submits commands whose last op is named last.
func (g *guard) submitOp(c []command, fence handle, last string) error {
	if err := g.alive(); err != nil {
		return err
	}
	g.mu.Lock()
	g.last = last
	g.mu.Unlock()
	if g.test.Due(seam.Submit) {
		return g.check("submit", &Error{Op: "submit", Result: resultDeviceLost})
	}
	return g.check("submit", g.driver.submit(c, fence))
}

func (g *guard) wait(fence handle, limit time.Duration) (bool, error) {
	if err := g.alive(); err != nil {
		return false, err
	}
	if g.test.Due(seam.Wait) {
		return false, g.check("wait", &Error{Op: "wait", Result: resultDeviceLost})
	}
	done, err := g.driver.wait(fence, limit)
	return done, g.uncertain("wait", err)
}

func (g *guard) reset(fence handle) error { return g.uncertain("reset fence", g.driver.reset(fence)) }

// uncertain treats every failure as a lost device: without its fence nobody knows what the device is still using.
func (g *guard) uncertain(op string, err error) error {
	if err != nil && !errors.Is(err, ErrDeviceLost) {
		err = &Error{Op: op, Result: resultDeviceLost}
	}
	return g.check(op, err)
}
