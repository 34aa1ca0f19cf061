package ref

import (
	"context"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

// Tiles that hold two weight rows at once, as Intel's registers allow, are right too.
func TestTilesHoldingTwo(t *testing.T) {
	asIntel := vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.VendorID = vk.VendorIntel })
	vktest.EachWith(t, asIntel, func(t *testing.T, d *vk.Device) {
		seen := 0
		for _, match := range []string{"matmul/int8 q8_0 n=17", "swiglu/int8 q4_0 n=17", "matmul/bf16 n=17"} {
			results, err := Run(context.Background(), d, Options{Match: match})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				if !r.OK || r.Err != nil {
					t.Error(r)
				}
				if strings.Contains(r.Kernel, "_tile4") {
					seen++
				}
			}
		}
		if seen == 0 {
			t.Error("no case goes in tiles")
		}
	})
}
