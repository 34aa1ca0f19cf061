package vk

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
)

//go:embed probe/subgroup.spv
var subgroupProbe []byte

// Guarantees tells whether every kernel that asks for a subgroup size is sure to have it: the only one that the device has, or one
// that can be required together with full subgroups.
func (c Caps) Guarantees(size uint32) bool {
	only, told := c.SubgroupMin == size && c.SubgroupMax == size, c.SubgroupSizeControl && c.FullSubgroups && c.SubgroupMin <= size && size <= c.SubgroupMax
	return c.SubgroupArithmetic && size != 0 && size&(size-1) == 0 && (only || told)
}

// fixedSubgroup is the reported subgroup size if it is guaranteed, else 0. That it is reported is not enough: several drivers compile
// for another.
func (c Caps) fixedSubgroup() uint32 {
	if c.Guarantees(c.SubgroupSize) {
		return c.SubgroupSize
	}
	return 0
}

// choosesSubgroup tells whether a size is required of pipelines; it need not be where there is only one.
func (c Caps) choosesSubgroup() bool { return c.SubgroupSizeControl && c.SubgroupMin != c.SubgroupMax }

// acceptsSubgroup returns why a subgroup size cannot be required, or nil. Shown is the size that a dispatch has shown, or 0.
func (c Caps) acceptsSubgroup(size, shown uint32) error {
	switch {
	case size == 0, size == shown:
		return nil
	case size&(size-1) != 0 || size < c.SubgroupMin || size > c.SubgroupMax:
		return unsupported("subgroup size %d, %s has %d to %d", size, c.Name, c.SubgroupMin, c.SubgroupMax)
	case !c.SubgroupSizeControl && c.SubgroupMin != c.SubgroupMax:
		return unsupported("%s cannot be told a subgroup size", c.Name)
	}
	return nil
}

// Subgroup is the size in invocations that kernels may count on when they ask for it, with a workgroup of that size being one
// subgroup; 0 where there is none, so that only kernels without subgroups are right. Where the driver guarantees nothing, one
// dispatch shows it.
func (d *Device) Subgroup() (uint32, error) {
	if n := d.caps.fixedSubgroup(); n != 0 {
		return n, nil
	}
	d.showing.Lock()
	defer d.showing.Unlock()
	if n := d.caps.SubgroupSize; !d.showed && d.caps.SubgroupArithmetic && n != 0 {
		size, err := d.probeSubgroup(n)
		if errors.Is(err, ErrDeviceLost) {
			return 0, err
		}
		d.shown.Store(size) // 0 after any other error
		d.showed = true
	}
	return d.shown.Load(), nil
}

// probeSubgroup returns n where a workgroup of n invocations was one subgroup of n, else 0.
func (d *Device) probeSubgroup(n uint32) (uint32, error) {
	k, err := d.Prepare("subgroup probe", subgroupProbe, KernelOptions{Spec: []uint32{n}})
	if err != nil {
		return 0, err
	}
	a, p := d.NewArena("subgroup probe", Readback), d.NewProgram("subgroup probe")
	defer a.Free()
	defer p.Free()
	y, err := a.Alloc(12)
	if err != nil {
		return 0, err
	}
	p.Dispatch(k, nil, [3]uint32{1, 1, 1}, Cost{}, y)
	if err = p.End(); err == nil {
		err = d.Run(context.Background(), RunOptions{}, p)
	}
	if err != nil {
		return 0, err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(y.Bytes()[4*i:]) }
	if word(0) == n && word(1) == 1 && word(2) == n {
		return n, nil
	}
	return 0, nil
}
