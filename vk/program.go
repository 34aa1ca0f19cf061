package vk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Program is a list of ops that is recorded once, by End, and run any number of times. Errors while ops are added stick
// and come out of End. A program begins with a barrier after whatever ran before it and ends ready for the host to read,
// so programs compose in any order.
type Program struct {
	d    *Device
	name string
	err  error
	ops  []op

	parts    []part     // the ops as they are recorded, from End on
	barriers []*barrier // before each part
	segments []segment
	commands handle
	sets     handle
	queries  handle
	marks    []int         // the part that ended before each timestamp, -1 at the start of a segment
	profiled bool          // carries timestamps of its own
	took     time.Duration // by timestamps, in the last run

	mu    sync.Mutex
	ended bool
	freed bool
}

type opKind uint8

const (
	opDispatch opKind = iota
	opIndirect
	opCopy
	opFill
)

// op is one recorded operation.
type op struct {
	kind   opKind
	kernel *Kernel
	push   []byte
	groups [3]uint32
	args   Span   // indirect dispatch counts; source of a copy; target of a fill
	dst    Span   // target of a copy
	word   uint32 // of a fill
	bind   []Span
	cost   Cost
	access []access
}

func (o op) name() string {
	switch o.kind {
	case opCopy:
		return "copy"
	case opFill:
		return "fill"
	}
	return o.kernel.name
}

// segment is one command buffer of a program.
type segment struct {
	command  command
	first    bool // of its program
	estimate time.Duration
	last     string // its last op
	counts   Counters
}

// NewProgram returns an empty program.
func (d *Device) NewProgram(name string) *Program {
	p := &Program{d: d, name: name}
	own(d, d.programs, p)
	return p
}

// Kernels are the names of the kernels that are dispatched, in order.
func (p *Program) Kernels() []string {
	var names []string
	for _, o := range p.ops {
		if o.kernel != nil {
			names = append(names, o.kernel.name)
		}
	}
	return names
}

// Dispatched are the kernels that are dispatched, each once.
func (p *Program) Dispatched() (kernels []*Kernel) {
	for _, o := range p.ops {
		if o.kernel != nil && !slices.Contains(kernels, o.kernel) {
			kernels = append(kernels, o.kernel)
		}
	}
	return kernels
}

// Profile makes the program carry timestamps of its own for Took, where the device has them. Timings leaves them out.
func (p *Program) Profile() { p.profiled = true }

// Took is the time on the device of the last run of a program with timestamps, else 0.
func (p *Program) Took() time.Duration {
	p.d.mu.Lock()
	defer p.d.mu.Unlock()
	return p.took
}

// Dispatch adds a dispatch of groups workgroups. Push is nil, a fixed-size struct or a []uint32, of the size the kernel
// declares; bind gives one span for every index of one in the kernel, where an unused index may have the zero Span. It may
// be recorded as several dispatches of some of the groups each, when the cost is above what one may take.
func (p *Program) Dispatch(k *Kernel, push any, groups [3]uint32, c Cost, bind ...Span) {
	p.add(p.dispatch(op{kind: opDispatch, kernel: k, groups: groups, cost: c, bind: bind}, push))
}

// DispatchIndirect adds a dispatch whose three workgroup counts the device reads from args, 12 bytes, when it gets there.
// Counts of 0 make it do nothing.
func (p *Program) DispatchIndirect(k *Kernel, push any, args Span, c Cost, bind ...Span) {
	p.add(p.dispatch(op{kind: opIndirect, kernel: k, args: args, cost: c, bind: bind}, push))
}

// dispatch checks and completes a dispatch of either form.
func (p *Program) dispatch(o op, push any) (op, error) {
	k := o.kernel
	if k == nil {
		return o, errors.New("vk: dispatch without a kernel")
	}
	for i, n := range o.groups {
		if limit := p.d.caps.MaxWorkgroupCount[i]; n > limit {
			return o, fmt.Errorf("vk: dispatch %s: %d workgroups in dimension %d, the device allows %d", k.name, n, i, limit)
		}
	}
	if o.kind == opIndirect {
		if err := o.args.words("dispatch " + k.name + ": counts"); err != nil {
			return o, err
		}
		if o.args.size != 12 {
			return o, fmt.Errorf("vk: dispatch %s: counts of %d bytes, want 12", k.name, o.args.size)
		}
		o.access = append(o.access, o.args.access(byIndirect, true, false))
	}
	var err error
	if o.push, err = k.in.encodePush(push); err != nil {
		return o, fmt.Errorf("vk: dispatch %s: %w", k.name, err)
	}
	if len(o.bind) != k.in.spans() {
		return o, fmt.Errorf("vk: dispatch %s: %d spans bound, the kernel takes %d", k.name, len(o.bind), k.in.spans())
	}
	o.bind = slices.Clone(o.bind)
	for _, b := range k.in.Bindings {
		s := o.bind[b.Span()]
		if err := p.bindable(s, b.Texels, fmt.Sprintf("dispatch %s: binding %d", k.name, b.Index)); err != nil {
			return o, err
		}
		if b.Reads || b.Writes {
			o.access = append(o.access, s.access(byShader, b.Reads, b.Writes))
		}
	}
	return o, nil
}

// bindable returns why a span cannot be bound as a storage buffer or texel buffer, or nil.
func (p *Program) bindable(s Span, texel Texel, what string) error {
	if err := s.check(what); err != nil {
		return err
	}
	c := &p.d.caps
	if texel != NoTexel {
		return c.viewable(s, texel, what)
	}
	if limit := c.bindLimit(); s.size > limit {
		return fmt.Errorf("vk: %s: %d bytes, the device binds at most %d; cut the tensor into shards", what, s.size, limit)
	}
	if c.OffsetAlignment > 0 && s.offset%c.OffsetAlignment != 0 {
		return fmt.Errorf("vk: %s: offset %d is not a multiple of %d", what, s.offset, c.OffsetAlignment)
	}
	return nil
}

// Copy adds a copy of src to dst, which must be of one size and not overlap.
func (p *Program) Copy(dst, src Span) {
	o := op{kind: opCopy, args: src, dst: dst, cost: Cost{Bytes: 2 * src.size}}
	err := cmp.Or(dst.check("copy to"), src.check("copy from"))
	if err == nil {
		from, to := src.access(byTransfer, true, false), dst.access(byTransfer, false, true)
		if o.access = []access{from, to}; dst.size != src.size || from.overlaps(to) {
			err = fmt.Errorf("vk: copy of %d bytes to %d bytes: sizes must be equal and ranges apart", src.size, dst.size)
		}
	}
	p.add(o, err)
}

// add adds an op, or keeps the first error that there was in making one.
func (p *Program) add(o op, err error) {
	if err == nil && p.ended {
		err = fmt.Errorf("vk: %s added after End", o.name())
	}
	if err == nil {
		p.ops = append(p.ops, o)
	} else if p.err == nil {
		p.err = fmt.Errorf("vk: program %s, op %d: %w", p.name, len(p.ops), err)
	}
}

// Free gives the program's command buffers back. No run of it may be under way. Freeing twice does nothing.
func (p *Program) Free() {
	if disown(p.d, p.d.programs, p) {
		p.destroy()
	}
}

func (p *Program) destroy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.d.drv.destroy(objQueries, p.queries)
	p.d.drv.destroy(objCommands, p.commands)
	p.d.drv.destroy(objSets, p.sets)
	p.queries, p.commands, p.sets, p.segments, p.freed = 0, 0, 0, nil, true
}
