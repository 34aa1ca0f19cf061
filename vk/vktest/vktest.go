// Package vktest opens the devices that tests need. Which drivers are visible comes from the environment
// (VK_ICD_FILENAMES); tests only name devices.
package vktest

import (
	"os"
	"strings"
	"testing"

	"muninn/vk"
)

// required are parts of the names of the devices that every test runs on: two software drivers that differ in nearly
// every limit, so that what passes on both depends on neither.
var required = []string{"llvmpipe", "SwiftShader"}

// Names returns the devices that tests run on: the required ones less those that MUNINN_SKIP_DEVICES names, separated by
// commas.
func Names() []string {
	skip := strings.Split(strings.ToLower(os.Getenv("MUNINN_SKIP_DEVICES")), ",")
	var names []string
	for _, n := range required {
		if !contains(skip, strings.ToLower(n)) {
			names = append(names, n)
		}
	}
	return names
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.TrimSpace(x) == s {
			return true
		}
	}
	return false
}

// Open opens a device by a part of its name and closes it when the test ends. A device that is missing, or that is closed
// with something left unfreed, fails the test.
func Open(t testing.TB, name string, opt vk.Options) *vk.Device {
	t.Helper()
	opt.Device = name
	d, err := vk.Open(opt)
	if err != nil {
		t.Fatalf("open %s: %v (set VK_ICD_FILENAMES so that its driver is found, or name it in MUNINN_SKIP_DEVICES)", name, err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close %s: %v", name, err)
		}
	})
	return d
}

// Each runs a test on every device of Names.
func Each(t *testing.T, test func(t *testing.T, d *vk.Device)) {
	t.Helper()
	EachWith(t, vk.Options{}, test)
}

// EachWith is Each with options.
func EachWith(t *testing.T, opt vk.Options, test func(t *testing.T, d *vk.Device)) {
	t.Helper()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { test(t, Open(t, name, opt)) })
	}
}
