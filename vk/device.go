package vk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Device is an opened device. Its methods may be called from several goroutines; runs and transfers take turns.
type Device struct {
	caps Caps
	why  string // it was chosen
	opt  Options
	drv  *guard

	turn  chan struct{} // held by whoever uses the queue
	queue queue         // owned by the holder of turn

	mu       sync.Mutex
	closed   bool
	layouts  map[layoutKey]layout
	cache    handle // pipeline cache, 0 for none
	cached   []byte // what the cache was loaded from
	arenas   map[*Arena]bool
	kernels  []*Kernel
	programs map[*Program]bool
	heapUsed []uint64
	timings  map[string]*Timing
	speed    Speed

	telling sync.Mutex // held while somebody hears what is compiled

	bufferTypes uint32 // memory types for buffers, as bits; those of one usage all have the same

	showing sync.Mutex
	showed  bool          // a dispatch was asked for the subgroup size
	shown   atomic.Uint32 // the size it showed, 0 for none

	profiling atomic.Bool
	counting  sync.Mutex
	counters  Counters
}

// Open opens the device that opt.Device selects. A device older than Vulkan 1.1 is refused with ErrUnsupported.
func Open(opt Options) (*Device, error) {
	var choice Choice
	caps, drv, err := nativeOpen(func(list []Caps) (int, error) {
		var err error
		if choice, err = Select(list, opt.Device); err != nil {
			return 0, err
		}
		return choice.Index, list[choice.Index].Supported()
	})
	if err != nil {
		return nil, err
	}
	d, err := newDevice(caps, drv, opt)
	if err == nil {
		d.why = choice.Why
	}
	return d, err
}

// newDevice makes a device of an opened driver, which it owns from here on.
func newDevice(caps Caps, drv driver, opt Options) (*Device, error) {
	if opt.test.Limits != nil {
		opt.test.Limits(&caps)
	}
	d := &Device{
		caps: caps, opt: opt, drv: newGuard(drv, caps),
		turn: make(chan struct{}, 1), layouts: make(map[layoutKey]layout), arenas: make(map[*Arena]bool),
		programs: make(map[*Program]bool), heapUsed: make([]uint64, len(caps.Heaps)), timings: make(map[string]*Timing), speed: caps.classSpeed(),
	}
	if err := d.openCache(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Caps returns what is known of the device, with the limits it was opened with.
func (d *Device) Caps() Caps { return d.caps }

// Why says what made this the device that was opened.
func (d *Device) Why() string { return d.why }

// Counters returns what has been executed so far.
func (d *Device) Counters() Counters {
	d.counting.Lock()
	defer d.counting.Unlock()
	return d.counters
}

// SetProfiling makes programs ended from now on carry timestamps, where the device has them. Profiled programs are
// submitted one at a time.
func (d *Device) SetProfiling(on bool) { d.profiling.Store(on) }

// acquire takes the queue, or returns early when the context ends or the device is gone.
func (d *Device) acquire(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := d.usable(); err != nil {
		d.release()
		return err
	}
	return nil
}

func (d *Device) release() { <-d.turn }

// usable returns why objects cannot be made any more, or nil.
func (d *Device) usable() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	return d.drv.alive()
}

// own has Close free x as one of these, until it is disowned.
func own[T comparable](d *Device, these map[T]bool, x T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		these[x] = true
	}
}

// disown tells whether x was owned.
func disown[T comparable](d *Device, these map[T]bool, x T) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	owned := these[x]
	delete(these, x)
	return owned
}

// Close waits for the device and frees everything, users before what they use. Arenas and programs that were not freed
// are reported as an error, and freed as well. Closing twice does nothing.
func (d *Device) Close() error {
	d.turn <- struct{}{}
	defer d.release()
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	programs, arenas, kernels := maps.Clone(d.programs), maps.Clone(d.arenas), d.kernels
	clear(d.programs)
	clear(d.arenas)
	d.kernels = nil
	d.mu.Unlock()

	if d.queue.fences[0] != 0 {
		d.drv.waitIdle() // a lost device reports its loss here, and is freed all the same
	}
	var left []string
	for p := range programs {
		left = append(left, "program "+p.name)
		p.destroy()
	}
	d.closeQueue()
	for a := range arenas {
		left = append(left, fmt.Sprintf("arena %s (%d bytes)", a.name, a.Size()))
		a.destroy()
	}
	for _, k := range slices.Backward(kernels) {
		d.drv.destroy(objPipeline, k.pipeline)
	}
	d.closeCache()
	for _, l := range d.layouts {
		d.drv.destroy(objPipelineLayout, l.pipeline)
		d.drv.destroy(objSetLayout, l.set)
	}
	var parts []string
	if len(left) > 0 {
		slices.Sort(left)
		parts = append(parts, "not freed by the caller: "+strings.Join(left, ", "))
	}
	if objects := d.drv.leaks(); objects != "" {
		parts = append(parts, "not freed by the package: "+objects)
	}
	if !d.drv.hangs.Load() {
		d.drv.close()
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("vk: close: %s", strings.Join(parts, "; "))
}
