package vk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// typeRank orders device types from best to worst; a device of an unknown type is at least no software driver. Memory plays no
// part between types: an integrated GPU may claim all of the host's memory and still be the slower one.
var typeRank = map[string]int{"discrete": 5, "integrated": 4, "virtual": 3, "other": 2, "cpu": 1}

// Choice is a device of a list and what made it the one.
type Choice struct {
	Index int
	Why   string
}

// Select picks a device from a list. Want may be empty for the best device, a type for the best one of that type, an index, a
// UUID, or a part of a name in any case; a number of one or two digits is an index only: such stand in most names. The best device
// is of the best type; of several GPUs it is the one with most memory, of several CPU devices the one with the widest subgroups,
// which are as wide as the vectors that it computes with. A device that two drivers list under one UUID counts once, except by
// index. Nothing or several found is an error that names what exists and matches ErrNoDevice.
func Select(list []Caps, want string) (Choice, error) {
	if len(list) == 0 {
		return Choice{}, ErrNoDriver
	}
	want = strings.TrimSpace(want)
	asked := fmt.Sprintf("asked for as %q", want)
	if n, err := strconv.Atoi(want); err == nil && n >= 0 && n < len(list) {
		return Choice{n, asked}, nil
	} else if err == nil && len(want) < 3 {
		return Choice{}, fmt.Errorf("%w: %d; there is only %s", ErrNoDevice, n, describe(list, nil))
	}
	all := distinct(list)
	if want == "" {
		return best(list, all), nil
	}
	var exact, kind, part []int
	for _, i := range all {
		c := list[i]
		switch {
		case strings.EqualFold(c.Name, want), strings.EqualFold(c.UUID, want):
			exact = append(exact, i)
		case strings.EqualFold(c.Type, want):
			kind = append(kind, i)
		case strings.Contains(strings.ToLower(c.Name), strings.ToLower(want)):
			part = append(part, i)
		}
	}
	found := exact
	if len(found) == 0 {
		if len(kind) > 1 {
			c := best(list, kind)
			return Choice{c.Index, asked + ", " + c.Why}, nil
		}
		found = append(kind, part...)
	}
	switch len(found) {
	case 1:
		return Choice{found[0], asked}, nil
	case 0:
		return Choice{}, fmt.Errorf("%w: nothing matches %q; there is %s", ErrNoDevice, want, describe(list, nil))
	}
	return Choice{}, fmt.Errorf("%w: %q fits several, use an index: %s", ErrNoDevice, want, describe(list, found))
}

// merit rates a device: usable before not, then by type, then by what counts among devices of the type.
func (c Caps) merit() []uint64 {
	if c.Supported() != nil {
		return []uint64{0, 0, 0}
	}
	rank := uint64(typeRank[c.Type])
	if c.IsCPU() {
		return []uint64{1, rank, uint64(c.SubgroupSize)}
	}
	var memory uint64
	for _, heap := range c.HeapsOf(DeviceLocal) {
		memory += c.Heaps[heap].Size
	}
	return []uint64{1, rank, memory}
}

// best is the first device of the highest merit among those given.
func best(list []Caps, among []int) Choice {
	pick := slices.MaxFunc(among, func(a, b int) int { return slices.Compare(list[a].merit(), list[b].merit()) })
	top, peers, equals := list[pick].merit(), 0, 0
	for _, i := range among {
		m := list[i].merit()
		if slices.Equal(m[:2], top[:2]) {
			peers++
		}
		if slices.Equal(m, top) {
			equals++
		}
	}
	how, kind := "the first %s one", list[pick].Type
	switch {
	case len(among) == 1:
		return Choice{pick, "the only one"}
	case peers == 1:
		how = "the only usable %s one"
	case equals > 1:
	case kind == "cpu":
		how = "the %s one with the widest vectors"
	default:
		how = "the %s one with the most memory"
	}
	return Choice{pick, fmt.Sprintf(how+" of %d, see `muninn devices`", kind, len(among))}
}

// distinct returns the indices of the list without later devices of a UUID seen before. A UUID of zeros names nothing.
func distinct(list []Caps) []int {
	seen := make(map[string]bool)
	var keep []int
	for i, c := range list {
		if !seen[c.UUID] {
			keep = append(keep, i)
		}
		seen[c.UUID] = strings.Trim(c.UUID, "0-") != ""
	}
	return keep
}

func describe(list []Caps, only []int) string {
	var parts []string
	for i, c := range list {
		if only == nil || slices.Contains(only, i) {
			parts = append(parts, fmt.Sprintf("%d: %s (%s)", i, c.Name, c.Type))
		}
	}
	return strings.Join(parts, ", ")
}
