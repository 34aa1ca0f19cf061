package vk

import (
	"errors"
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	r := recordedCaps(t)
	discrete, integrated, cpu := r["NVIDIA GeForce RTX 3060"], r["Intel(R) Iris(R) Xe Graphics (RPL-U)"], r["llvmpipe (LLVM 15.0.6, 256 bits)"]
	amd := r["AMD Radeon RX 6600"]
	discrete.UUID, integrated.UUID, amd.UUID = "3060-00", "1e15-00", "6600-00" // left out of the records
	again := amd
	again.Driver = "another driver for the same card"
	// An integrated GPU that claims more memory than the discrete one has.
	integrated.Heaps = []Heap{{Size: 64 << 30, DeviceLocal: true}}
	old := discrete
	old.Name, old.UUID, old.APIVersion = "Old Card", "01", [3]uint32{1, 0, 3}
	other, twin := amd, discrete
	other.Type, other.UUID, twin.UUID = "other", "07", "3061"
	narrow := cpu
	narrow.UUID, narrow.SubgroupSize = "4", cpu.SubgroupSize/2
	for _, c := range []struct {
		name string
		list []Caps
		want string
		got  int // -1 for ErrNoDevice
		says string
	}{
		{"discrete before integrated, whatever the memory", []Caps{cpu, integrated, discrete}, "", 2, ""},
		{"integrated before cpu", []Caps{cpu, integrated}, "", 1, ""},
		{"cpu when there is nothing else", []Caps{cpu}, "", 0, "the only one"},
		{"the first of equals", []Caps{discrete, twin}, "", 0, "the first discrete one of 2"},
		{"the card with most memory", []Caps{amd, discrete}, "", 1, "the discrete one with the most memory of 2"},
		{"an unknown type before cpu", []Caps{cpu, other}, "", 1, "the only usable other one of 2"},
		{"one usable card", []Caps{old, discrete, cpu}, "", 1, "the only usable discrete one of 3"},
		{"the cpu device that computes with wider vectors", []Caps{narrow, cpu}, "", 1, "the cpu one with the widest vectors of 2"},
		{"an unusable card last", []Caps{old, cpu}, "", 1, ""},
		{"index", []Caps{cpu, integrated, discrete}, "1", 1, ""},
		{"index of a duplicate", []Caps{amd, again}, "1", 1, ""},
		{"a number is an index only: 1 stands in 15.0.6", []Caps{cpu}, "1", -1, "no such device: 1; there is only 0: llvmpipe"},
		{"a card by its number", []Caps{cpu, discrete}, "3060", 1, `asked for as "3060"`},
		{"below 0", []Caps{cpu}, "-1", -1, "no such device: -1"},
		{"part of a name in any case", []Caps{cpu, integrated, discrete}, "GEFORCE", 2, ""},
		{"type", []Caps{cpu, integrated, discrete}, "integrated", 1, ""},
		{"UUID", []Caps{cpu, amd}, amd.UUID, 1, ""},
		{"one card under two drivers is one", []Caps{amd, again}, "radeon", 0, ""},
		{"a whole name beats a part", []Caps{discrete, {Name: "RTX", UUID: "02"}}, "rtx", 1, ""},
		{"the best of a type", []Caps{discrete, narrow, cpu}, "cpu", 2, `asked for as "cpu", the cpu one with the widest vectors of 2`},
		{"several", []Caps{amd, discrete}, "r", -1, "0: AMD Radeon RX 6600 (discrete), 1: NVIDIA"},
		{"none", []Caps{cpu, discrete}, "voodoo", -1, "0: llvmpipe"},
		{"index out of range", []Caps{cpu}, "99999999999999999999", -1, "0: llvmpipe"},
		{"UUIDs of zeros are not equal", []Caps{{Name: "a", UUID: "00"}, {Name: "ab", UUID: "00"}}, "ab", 1, ""},
	} {
		got, err := Select(c.list, c.want)
		if c.got < 0 {
			if !errors.Is(err, ErrNoDevice) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: error %v, want ErrNoDevice saying %q", c.name, err, c.says)
			}
			continue
		}
		if err != nil || got.Index != c.got || !strings.HasPrefix(got.Why, c.says) {
			t.Errorf("%s: %+v, %v, want %d, %s", c.name, got, err, c.got, c.says)
		}
	}
	if _, err := Select(nil, ""); !errors.Is(err, ErrNoDriver) {
		t.Errorf("empty list: %v, want ErrNoDriver", err)
	}
}
