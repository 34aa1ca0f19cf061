package fit

import (
	"muninn/vk"
	"testing"
)

func TestHostMemory(t *testing.T) {
	const text = "MemTotal:       16000 kB\nMemFree:  100 kB\nMemAvailable:    8000 kB\n"
	if total, free, ok := meminfo(text); total != 16000*1024 || free != 8000*1024 || !ok {
		t.Errorf("%d, %d, %v", total, free, ok)
	}
	for _, bad := range []string{"", "MemTotal: 5 kB\n", "MemTotal: 5 kB\nMemAvailable: 9 kB\n", "MemTotal: 5 MB\nMemAvailable: 1 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n"} {
		if _, _, ok := meminfo(bad); ok {
			t.Errorf("%q was understood", bad)
		}
	}
	gpu := vk.Caps{Type: "discrete", Heaps: []vk.Heap{{Size: 5, DeviceLocal: true}}, MemoryTypes: []vk.MemoryType{{DeviceLocal: true}}}
	if got := WithHost(gpu); got.Heaps[0].Size != 5 || got.MemoryBudget {
		t.Errorf("a GPU's memory became %+v", got.Heaps)
	}
}
