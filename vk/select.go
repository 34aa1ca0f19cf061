package vk

import (
	"fmt"
	"strconv"
	"strings"
)

// typeRank orders device types from best to worst. Memory size plays no part: an integrated GPU may claim all of the
// host's memory and still be the slower one.
var typeRank = map[string]int{"discrete": 4, "integrated": 3, "virtual": 2, "cpu": 1, "other": 0}

// Select picks a device from a list and returns its index in the list. Want may be empty for the best device (discrete
// before integrated before virtual before cpu, of these the one with the widest subgroups), an index, a type, a UUID, or a part of a name in any case. A device that
// two drivers list under one UUID counts once, except by index. Nothing or several found is an error that names what exists and matches
// ErrNoDevice.
func Select(list []Caps, want string) (int, error) {
	if len(list) == 0 {
		return 0, ErrNoDriver
	}
	want = strings.TrimSpace(want)
	if want == "" {
		return best(list), nil
	}
	if n, err := strconv.Atoi(want); err == nil && n >= 0 && n < len(list) {
		return n, nil
	}
	var exact, found []int
	for _, i := range distinct(list) {
		c := list[i]
		switch {
		case strings.EqualFold(c.Name, want), strings.EqualFold(c.UUID, want):
			exact = append(exact, i)
		case strings.EqualFold(c.Type, want), strings.Contains(strings.ToLower(c.Name), strings.ToLower(want)):
			found = append(found, i)
		}
	}
	if len(exact) > 0 {
		found = exact
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, fmt.Errorf("%w: nothing matches %q; there is %s", ErrNoDevice, want, describe(list, nil))
	}
	return 0, fmt.Errorf("%w: %q fits several, use an index: %s", ErrNoDevice, want, describe(list, found))
}

// best returns the first usable device of the best type; of CPU devices the first with the widest subgroups, which are as wide as
// the vectors that it computes with.
func best(list []Caps) int {
	pick, rank, width := 0, -1, uint32(0)
	for i, c := range list {
		r, w := typeRank[c.Type]+1, uint32(0)
		if c.IsCPU() {
			w = c.SubgroupSize
		}
		if c.Supported() != nil {
			r = 0
		}
		if r > rank || r == rank && w > width {
			pick, rank, width = i, r, w
		}
	}
	return pick
}

// distinct returns the indices of the list without later devices of a UUID seen before. A UUID of zeros names nothing.
func distinct(list []Caps) []int {
	seen := make(map[string]bool)
	var keep []int
	for i, c := range list {
		if strings.Trim(c.UUID, "0-") != "" {
			if seen[c.UUID] {
				continue
			}
			seen[c.UUID] = true
		}
		keep = append(keep, i)
	}
	return keep
}

func describe(list []Caps, only []int) string {
	if only == nil {
		only = make([]int, len(list))
		for i := range list {
			only[i] = i
		}
	}
	var parts []string
	for _, i := range only {
		parts = append(parts, fmt.Sprintf("%d: %s (%s)", i, list[i].Name, list[i].Type))
	}
	return strings.Join(parts, ", ")
}
