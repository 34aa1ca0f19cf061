package fit

import (
	"testing"
	"testing/fstest"

	"muninn/vk"
)

// filesOf are a system's by name.
func filesOf(texts map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, text := range texts {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

// What a process may have is the least of the machine's memory, its control groups and those above, and its address space.
func TestHostMemory(t *testing.T) {
	const machine = "MemTotal:       16000 kB\nMemFree:  100 kB\nMemAvailable:    8000 kB\n"
	const total, free = 16000 * 1024, 8000 * 1024
	for name, c := range map[string]struct {
		files map[string]string
		want  memory
	}{
		"bare":     {nil, memory{total, free}},
		"no limit": {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "7\n"}, memory{total, free}},
		"version 2": {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "260000\n", "sys/fs/cgroup/a/memory.current": "100000\n",
			"sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 40000\n"}, memory{260000, 200000}},
		"version 2, in a container": {map[string]string{"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/memory.max": "260000\n", "sys/fs/cgroup/memory.current": "300000\n"},
			memory{260000, 0}},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpu,memory:/docker/1\n0::/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "90000\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes": "50000\n", "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 10000\n"}, memory{90000, 50000}},
		"version 1, no limit": {map[string]string{"proc/self/cgroup": "5:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, memory{total, free}},
		"ulimit": {map[string]string{"proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\nMax address space         4096000              unlimited            bytes\n",
			"proc/self/status": "Name:\tmuninn\nVmSize:\t    1000 kB\n"}, memory{4096000, 4096000 - 1024000}},
		"no ulimit": {map[string]string{"proc/self/limits": "Max address space         unlimited            unlimited            bytes\n"}, memory{total, free}},
	} {
		files := filesOf(c.files)
		files["proc/meminfo"] = &fstest.MapFile{Data: []byte(machine)}
		if got, ok := hostMemory(files); got != c.want || !ok {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, bad := range []string{"", "MemTotal: 5 kB\n", "MemTotal: 5 kB\nMemAvailable: 9 kB\n", "MemTotal: 5 MB\nMemAvailable: 1 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n"} {
		if _, ok := hostMemory(filesOf(map[string]string{"proc/meminfo": bad})); ok {
			t.Errorf("%q was understood", bad)
		}
	}
}

func TestWithHost(t *testing.T) {
	caps := func(kind string, heap vk.Heap, budget bool) vk.Caps {
		heap.DeviceLocal = true
		return vk.Caps{Type: kind, MemoryBudget: budget, Heaps: []vk.Heap{heap}, MemoryTypes: []vk.MemoryType{{DeviceLocal: true}}}
	}
	host := filesOf(map[string]string{"proc/meminfo": "MemTotal: 16 kB\nMemAvailable: 8 kB\n"})
	for _, c := range []struct {
		caps       vk.Caps
		size, free uint64
	}{
		{caps("discrete", vk.Heap{Size: 5}, false), 5, 0},
		{caps("cpu", vk.Heap{Size: 5}, false), 16 << 10, 8 << 10}, // made up
		{caps("cpu", vk.Heap{Size: 99 << 10, Budget: 50 << 10, Used: 9 << 10}, true), 16 << 10, 8 << 10},
		{caps("cpu", vk.Heap{Size: 12 << 10, Budget: 6 << 10, Used: 2 << 10}, true), 12 << 10, 4 << 10},
	} {
		got := withHost(c.caps, host)
		if h := got.Heaps[0]; h.Size != c.size || h.Budget-h.Used != c.free {
			t.Errorf("%+v became %+v", c.caps.Heaps, got.Heaps)
		}
	}
}
