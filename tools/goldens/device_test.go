package main

import (
	"bytes"
	"testing"

	"muninn/vk/vktest"
)

// further are the cases for drivers after the first: of each topic those that between them run every kernel that all of its cases do.
const further = "len7,len33,chunks,stop,continuous_compute,latent-diff.min_steps=6,kl,minp-kl,argmax-stability,draft3.look1.thr1,default"

// TestDeviceEngine holds the engine to every case of passes that the repository keeps, on the first software driver, and on others to some.
func TestDeviceEngine(t *testing.T) { holdsDevices(t, "forward", "decode", "generate", "sampling") }

// TestDeviceStrategies holds it to those of exits, speculation and waves.
func TestDeviceStrategies(t *testing.T) { holdsDevices(t, "exit", "speculative", "diffusion") }

func holdsDevices(t *testing.T, topics ...string) {
	t.Helper()
	for i, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			o := options{dir: goldens, engine: "device", device: device, topics: topics}
			switch {
			case testing.Short():
				holdsShort(t, "device", device, topics...)
				return
			case i > 0:
				o.caseName = further
				holds(t, o)
				return
			}
			var out bytes.Buffer
			s, err := run(o, &out)
			if err != nil {
				t.Fatal(err)
			}
			if s.Failed > 0 || s.Skipped > 0 || s.Passed == 0 {
				t.Errorf("%d passed, %d failed, %d skipped:\n%s", s.Passed, s.Failed, s.Skipped, &out)
			}
		})
	}
}

// Models on a block grid lose nothing to its format: E4 in q4_0 and E8 in q8_0 are held as float32 is.
func TestDeviceEngineBlocks(t *testing.T) {
	for _, device := range vktest.Names() {
		for _, o := range []options{{model: "E4", quant: "q4_0"}, {model: "E8", quant: "q8_0"}} {
			t.Run(device+" "+o.model, func(t *testing.T) {
				o.dir, o.engine, o.device, o.topics = goldens, "device", device, []string{"forward"}
				holds(t, o)
			})
		}
	}
}

// Other models in q8_0 are held to the limits of that format; on the faster driver, since nothing in it is the device's.
func TestDeviceEngineRounded(t *testing.T) {
	holds(t, options{dir: goldens, engine: "device", device: vktest.Names()[0], model: "C", quant: "q8_0", limits: eightBitLimits, caseName: "len33"})
}

func holds(t *testing.T, o options) {
	t.Helper()
	var out bytes.Buffer
	s, err := run(o, &out)
	if err != nil {
		t.Fatal(err)
	}
	if s.Failed > 0 || s.Passed == 0 {
		t.Errorf("%d passed, %d failed:\n%s", s.Passed, s.Failed, &out)
	}
}
