package recorded

import (
	"errors"
	"os"
	"strings"
	"testing"

	"muninn/vk"
)

// Every recorded device is one that this project could use, is named in the README, and says nothing of its owner's card.
func TestDevices(t *testing.T) {
	list := Devices()
	if len(list) < 8 {
		t.Errorf("%d devices", len(list))
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(string(readme), "\n| ") - 1; rows != len(list) {
		t.Errorf("the README has sources of %d devices, there are %d", rows, len(list))
	}
	for _, c := range list {
		if err := c.Supported(); err != nil {
			t.Error(err)
		}
		heaps := c.HeapsOf(vk.DeviceLocal)
		if len(heaps) == 0 || !c.Heaps[heaps[0]].DeviceLocal || c.Heaps[heaps[0]].Size < 3<<30 {
			t.Errorf("%s: device-local memory in heaps %d", c.Name, heaps)
		}
		for i, h := range c.Heaps {
			if h.Budget == 0 || h.Budget > h.Size || h.Used > h.Budget {
				t.Errorf("%s: heap %d: %+v", c.Name, i, h)
			}
		}
		if c.UUID+c.DriverUUID+c.CacheUUID != "" {
			t.Errorf("%s: has a UUID", c.Name)
		}
		if c.ShardLimit() == 0 || c.SubgroupSize == 0 || c.MaxSharedMemory < 16384 || c.Driver == "" || c.TimestampBits == 0 {
			t.Errorf("%s: something is missing: %+v", c.Name, c)
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]string{"3090": "NVIDIA GeForce RTX 3090", "m2": "Apple M2", "rembrandt": ""} {
		c, err := Find(name)
		if c.Name != want || (want == "") != errors.Is(err, vk.ErrNoDevice) {
			t.Errorf("%s: %q, %v", name, c.Name, err)
		}
	}
}
