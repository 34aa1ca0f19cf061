package fit

import (
	"os"
	"strconv"
	"strings"

	"muninn/vk"
)

// WithHost gives a software driver's memory its true size: it is the host's, whatever the driver makes up (older
// lavapipe says 2 GiB on every machine). Where the host does not tell, and on a GPU, nothing changes.
func WithHost(c vk.Caps) vk.Caps {
	if !c.IsCPU() || c.MemoryBudget {
		return c
	}
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return c
	}
	total, free, ok := meminfo(string(text))
	device := c.HeapsOf(vk.DeviceLocal)
	if !ok || len(device) == 0 {
		return c
	}
	i := device[0]
	heaps := append([]vk.Heap(nil), c.Heaps...)
	heaps[i].Size, heaps[i].Budget, heaps[i].Used = total, free, 0
	c.Heaps, c.MemoryBudget = heaps, true
	return c
}

// meminfo reads the bytes in all and those that programs can still have from Linux's /proc/meminfo.
func meminfo(text string) (total, free uint64, ok bool) {
	field := func(name string) (uint64, bool) {
		for line := range strings.Lines(text) {
			rest, found := strings.CutPrefix(line, name+":")
			if !found {
				continue
			}
			words := strings.Fields(rest)
			if len(words) != 2 || words[1] != "kB" {
				return 0, false
			}
			n, err := strconv.ParseUint(words[0], 10, 53)
			return n * 1024, err == nil
		}
		return 0, false
	}
	total, a := field("MemTotal")
	free, b := field("MemAvailable")
	return total, free, a && b && free <= total
}
