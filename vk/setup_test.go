//go:build cgo

package vk_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

// setupTask is the child of these tests: it says how Vulkan starts.
func setupTask() {
	list, err := vk.Devices()
	fmt.Printf("%d devices, %T: %v\n", len(list), err, err)
	if err == nil {
		d, err := vk.Open(vk.Options{Device: vktest.Names()[0]})
		if err != nil {
			fmt.Println("open:", err)
			return
		}
		fmt.Println("integer dot:", d.Caps().IntegerDot, "close:", d.Close())
	}
}

// starts runs the child with what is added to its environment, and with the folder as the user's own data.
func starts(t *testing.T, data string, env ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(append(os.Environ(), childTask+"=setup", "XDG_DATA_HOME="+data), env...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// A manifest that is none is named, whoever's it is, and not what the loader makes of it.
func TestBrokenManifests(t *testing.T) {
	const layer = `{"file_format_version": "1.0.0", "layer": {"name": "VK_LAYER_test", "type": "GLOBAL", "library_path":`
	for what, text := range map[string]string{
		"truncated": layer, "a page": "<!DOCTYPE html><html><body>404</body></html>", "zeros": strings.Repeat("\x00", 200),
	} {
		for _, kind := range []string{"implicit_layer.d", "explicit_layer.d", "icd.d"} {
			data := filepath.Join(t.TempDir(), "[a]") // a folder is no pattern
			path := filepath.Join(data, "vulkan", kind, "broken.json")
			write(t, path, text)
			var env []string
			if kind == "icd.d" {
				env = []string{"VK_DRIVER_FILES=" + path, "VK_ICD_FILENAMES=" + path}
			}
			out := starts(t, data, env...)
			if kind != "icd.d" && strings.Contains(out, "devices, <nil>: <nil>\n") {
				continue // newer loaders do without such a layer
			}
			if !strings.Contains(out, "*vk.SetupError") || !strings.Contains(out, path+" (begins with ") || !strings.Contains(out, "loader ") || !strings.Contains(out, ".so") {
				t.Errorf("%s in %s: %s", what, kind, out)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "gone.json")
	write(t, path, `{"file_format_version": "1.0.0", "ICD": {"library_path": "/does/not/exist.so", "api_version": "1.1.0"}}`)
	if out := starts(t, t.TempDir(), "VK_DRIVER_FILES="+path, "VK_ICD_FILENAMES="+path); !strings.Contains(out, vk.ErrNoDriver.Error()) {
		t.Errorf("a manifest of a driver that is gone: %s", out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// A layer that fails is named; one that fails over features that the device offers costs the features.
func TestFailingLayer(t *testing.T) {
	data := t.TempDir()
	lib := filepath.Join(data, "layer.so")
	if out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-o", lib, "testdata/layer.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(t, filepath.Join(data, "vulkan", "implicit_layer.d", "test.json"), `{"file_format_version": "1.0.0", "layer": {"name": "VK_LAYER_MUNINN_test", "type": "GLOBAL",
		"library_path": "`+lib+`", "api_version": "1.3.0", "implementation_version": "1", "description": "test", "disable_environment": {"MUNINN_NO_LAYER": "1"}}}`)
	for where, want := range map[string][]string{
		"nowhere":  {"devices, <nil>: <nil>", "integer dot: true"},
		"instance": {"*vk.SetupError", "create instance: VK_ERROR_INITIALIZATION_FAILED", "VK_LAYER_MUNINN_test"},
		"features": {"devices, <nil>: <nil>", "integer dot: false close: <nil>"},
	} {
		out := starts(t, data, "MUNINN_TEST_LAYER="+where)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("a layer that fails %s: %s", where, out)
			}
		}
	}
	if out := starts(t, data, "MUNINN_TEST_LAYER=instance", "MUNINN_NO_LAYER=1"); !strings.Contains(out, "<nil>: <nil>") {
		t.Errorf("a layer that is switched off: %s", out)
	}
}
