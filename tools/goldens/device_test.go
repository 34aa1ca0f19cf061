package main

import (
	"bytes"
	"testing"

	"muninn/vk/vktest"
)

// TestDeviceEngine holds the engine to every case that the repository keeps, on every software driver.
func TestDeviceEngine(t *testing.T) {
	for _, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			var out bytes.Buffer
			s, err := run(options{dir: goldens, engine: "device", device: device}, &out)
			if err != nil {
				t.Fatal(err)
			}
			if s.Failed > 0 || s.Skipped > 0 || s.Passed == 0 {
				t.Errorf("%d passed, %d failed, %d skipped:\n%s", s.Passed, s.Failed, s.Skipped, &out)
			}
		})
	}
}
