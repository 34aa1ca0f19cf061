package fit

import (
	"io/fs"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"muninn/vk"
)

// WithHost gives a software driver's memory its true size: it is the host's, whatever the driver makes up (older
// lavapipe says 2 GiB on every machine), within what control groups and ulimit -v leave to this process. Where the host does not
// tell, and on a GPU, nothing changes.
func WithHost(c vk.Caps) vk.Caps { return withHost(c, os.DirFS("/")) }

func withHost(c vk.Caps, root fs.FS) vk.Caps {
	device := c.HeapsOf(vk.DeviceLocal)
	host, ok := hostMemory(root)
	if !c.IsCPU() || !ok || len(device) == 0 {
		return c
	}
	heaps := slices.Clone(c.Heaps)
	h := &heaps[device[0]]
	if c.MemoryBudget {
		host = host.within(memory{h.Size, h.Budget - min(h.Used, h.Budget)})
	}
	h.Size, h.Budget, h.Used = host.total, host.free, 0
	c.Heaps, c.MemoryBudget = heaps, true
	return c
}

// memory is bytes in all, and those that can still be had.
type memory struct{ total, free uint64 }

// within is what two bounds leave together.
func (m memory) within(o memory) memory { return memory{min(m.total, o.total), min(m.free, o.free)} }

// left is a bound of which some is used.
func left(bound, used uint64) memory { return memory{bound, bound - min(used, bound)} }

// hostMemory is what this process may have by Linux's files.
func hostMemory(root fs.FS) (memory, bool) {
	total, a := number(root, "proc/meminfo", `MemTotal:\s+(\d+) kB`)
	free, b := number(root, "proc/meminfo", `MemAvailable:\s+(\d+) kB`)
	if !a || !b || free > total {
		return memory{}, false
	}
	m := groupMemory(root, memory{total * 1024, free * 1024})
	if space, ok := number(root, "proc/self/limits", `Max address space\s+(\d+)`); ok {
		used, _ := number(root, "proc/self/status", `VmSize:\s+(\d+) kB`)
		m = m.within(left(space, used*1024))
	}
	return m, true
}

// groupFiles are where a version of control groups has the memory's limit, its use, and what of that is cache to be dropped.
var groupFiles = map[bool]struct{ base, limit, use, cache string }{
	true:  {"sys/fs/cgroup", "memory.max", "memory.current", `(?m)^inactive_file (\d+)`},
	false: {"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", `(?m)^total_inactive_file (\d+)`},
}

// groupMemory is what the control groups that this process is in, and those above them, leave of m. In a container the path may be
// the host's: then only the container's own root is there.
func groupMemory(root fs.FS, m memory) memory {
	text, _ := fs.ReadFile(root, "proc/self/cgroup") // not there: no groups
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 || part[1] != "" && !slices.Contains(strings.Split(part[1], ","), "memory") {
			continue
		}
		f := groupFiles[part[1] == ""]
		for dir := path.Join("/", part[2]); ; dir = path.Dir(dir) {
			at := path.Join(f.base, dir)
			if limit, ok := number(root, at+"/"+f.limit, `^(\d+)`); ok {
				use, _ := number(root, at+"/"+f.use, `^(\d+)`)
				cache, _ := number(root, at+"/memory.stat", f.cache)
				m = m.within(left(limit, use-min(cache, use)))
			}
			if dir == "/" {
				break
			}
		}
	}
	return m
}

// number is what a pattern finds in a file.
func number(root fs.FS, file, pattern string) (uint64, bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(found[1]), 10, 64)
	return n, err == nil && n <= math.MaxInt64
}
