package ref

import (
	"context"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// As on a GPU several workgroups take a row of logits, unless none can go on with what others found.
func TestPickingInChunks(t *testing.T) {
	asGPU := vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.Type = "discrete" })
	vktest.EachWith(t, asGPU, func(t *testing.T, d *vk.Device) {
		for _, opt := range []shaders.Options{{}, shaders.Options{}.Without([]shaders.Off{{Name: "arrivals"}})} {
			for _, op := range []string{"argmax/", "sample/", "topk/"} {
				results, err := Run(context.Background(), d, Options{Match: op, Shaders: []shaders.Options{opt}})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if !r.OK || r.Err != nil {
						t.Error(r)
					}
				}
			}
		}
	})
}
