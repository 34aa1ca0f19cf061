package vk

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"muninn/vk/internal/seam"
)

// guard stands between the device and its driver. It latches the loss of the device, counts live objects, gives up on waits that
// do not end, and fails where tests ask for it.
type guard struct {
	driver
	lost     atomic.Pointer[DeviceLostError]
	hangs    atomic.Bool   // a wait was given up: the device may still use everything, and calls may block
	patience time.Duration // longest wait for the device beyond what is predicted
	test     seam.Device

	mu   sync.Mutex
	last string // last op submitted
	live [objects]int
}

func newGuard(d driver, c Caps) *guard {
	g := &guard{driver: d, patience: waitSpare}
	if c.IsCPU() {
		g.patience = waitSpareCPU
	}
	return g
}

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

// create makes an object of a device that is not lost, and counts it.
func (g *guard) create(kind object, make func() (handle, error)) (handle, error) {
	if err := g.alive(); err != nil {
		return 0, err
	}
	h, err := make()
	if err != nil {
		return 0, g.check("create "+kind.String(), err)
	}
	g.count(kind, 1)
	return h, nil
}

// destroy leaves the objects of a device that hangs as they are. Of a zero handle nothing is to be destroyed.
func (g *guard) destroy(kind object, h handle) {
	if h == 0 {
		return
	}
	if !g.hangs.Load() {
		g.driver.destroy(kind, h)
	}
	g.count(kind, -1)
}

func (g *guard) count(kind object, n int) {
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
			parts = append(parts, fmt.Sprintf("%d %s", n, object(kind)))
		}
	}
	return strings.Join(parts, ", ")
}

func (g *guard) createBuffer(size uint64) (h handle, need requirements, err error) {
	h, err = g.create(objBuffer, func() (h handle, err error) { h, need, err = g.driver.createBuffer(size); return h, err })
	return h, need, err
}

func (g *guard) allocate(size uint64, memoryType int) (handle, error) {
	return g.create(objMemory, func() (handle, error) { return g.driver.allocate(size, memoryType) })
}

func (g *guard) bind(b, m handle) error { return g.check("bind memory", g.driver.bind(b, m)) }

func (g *guard) mapMemory(m handle, size uint64) (unsafe.Pointer, error) {
	p, err := g.driver.mapMemory(m, size)
	return p, g.check("map memory", err)
}

func (g *guard) createSetLayout(s bindings) (handle, error) {
	return g.create(objSetLayout, func() (handle, error) { return g.driver.createSetLayout(s) })
}

func (g *guard) createPipelineLayout(set handle, push uint32) (handle, error) {
	return g.create(objPipelineLayout, func() (handle, error) { return g.driver.createPipelineLayout(set, push) })
}

func (g *guard) createPipelineCache(data []byte) (handle, error) {
	return g.create(objPipelineCache, func() (handle, error) { return g.driver.createPipelineCache(data) })
}

func (g *guard) createPipeline(p pipelineInfo) (handle, error) {
	return g.create(objPipeline, func() (handle, error) {
		if g.test.Due(seam.Pipeline) {
			return 0, &Error{Op: "create pipeline", Name: p.name, Result: resultInitFailed}
		}
		return g.driver.createPipeline(p)
	})
}

func (g *guard) createView(buffer handle, offset, size uint64, t Texel) (handle, error) {
	return g.create(objView, func() (handle, error) { return g.driver.createView(buffer, offset, size, t) })
}

func (g *guard) createSets(s []setInfo) (pool handle, sets []handle, err error) {
	pool, err = g.create(objSets, func() (h handle, err error) { h, sets, err = g.driver.createSets(s); return h, err })
	return pool, sets, err
}

func (g *guard) createCommands(n int) (pool handle, c []command, err error) {
	pool, err = g.create(objCommands, func() (h handle, err error) { h, c, err = g.driver.createCommands(n); return h, err })
	return pool, c, err
}

func (g *guard) createQueries(n int) (handle, error) {
	return g.create(objQueries, func() (handle, error) { return g.driver.createQueries(n) })
}

func (g *guard) timestamps(h handle, n int) ([]uint64, error) {
	t, err := g.driver.timestamps(h, n)
	if lie := g.test.Clock.Load(); lie != nil {
		(*lie)(t)
	}
	return t, g.check("read timestamps", err)
}

func (g *guard) createFence() (handle, error) { return g.create(objFence, g.driver.createFence) }

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
