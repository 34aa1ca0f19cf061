package vk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPipelineCacheFile checks that only a whole file of this driver reaches the driver.
func TestPipelineCacheFile(t *testing.T) {
	caps := recordedCaps(t)["SwiftShader Device (Subzero)"]
	data := []byte{32, 0, 0, 0, 1, 0, 0, 0, 0xe0, 0x1a, 0, 0, 0xde, 0xc0, 0, 0, 'S', 'w', 'i', 'f', 't', 'S', 'h', 'a', 'd', 'e', 'r', 'U', 'U', 'I', 'D', 0, 'x', 'y'}
	file := seal(cacheMagic, data)
	if got := decodeCache(file, caps); string(got) != string(data) {
		t.Fatalf("a whole file gives %q", got)
	}
	for i := range file {
		damaged := append([]byte(nil), file...)
		damaged[i] ^= 0x40
		if decodeCache(damaged, caps) != nil {
			t.Errorf("accepted with byte %d changed", i)
		}
		if decodeCache(file[:i], caps) != nil {
			t.Errorf("accepted when cut to %d bytes", i)
		}
	}
	for i := range 32 {
		header := append([]byte(nil), data...)
		header[i] ^= 0x40
		// The header length may be larger than 32 by the specification.
		if i >= 4 && decodeCache(seal(cacheMagic, header), caps) != nil {
			t.Errorf("accepted with header byte %d of another driver", i)
		}
	}
}

// lavapipes is what a cache of lavapipe holds.
func lavapipes(text string) []byte {
	data := make([]byte, 32)
	data[0], data[4], data[8], data[10] = 32, 1, 5, 1 // vendor 0x10005, device 0
	copy(data[16:], "val-%s")
	return append(data, text...)
}

// What processes compile at the same time comes together in the file, and in a cache that is read again.
func TestPipelineCachesMerge(t *testing.T) {
	dir := t.TempDir()
	open := func(compiled string) (*Device, *fake) {
		f := newFake()
		f.cacheData = lavapipes(compiled)
		return fakeDevice(t, f, Options{CacheDir: dir}), f
	}
	one, _ := open("one ")
	two, _ := open("two ")
	run, f := open("run ")
	for _, d := range []*Device{one, two} {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run.ReadCache()
	run.ReadCache()
	if got := string(f.cacheData[32:]); got != "run two one " {
		t.Errorf("read: %q", got)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if file := readKept(cachePath(dir, one.Caps())); !strings.HasSuffix(string(file), "run two one ") {
		t.Errorf("kept: %q", file)
	}
}

func TestPipelineCacheThatTheDriverRefuses(t *testing.T) {
	caps := recordedCaps(t)["llvmpipe (LLVM 15.0.6, 256 bits)"]
	dir := t.TempDir()
	data := lavapipes("old")
	if err := os.WriteFile(cachePath(dir, caps), seal(cacheMagic, data), 0o644); err != nil {
		t.Fatal(err)
	}
	f := newFake()
	f.refuse, f.cacheData = true, []byte("fresh")
	d := fakeDevice(t, f, Options{CacheDir: dir})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(cachePath(dir, caps))
	if err != nil || !strings.HasSuffix(string(file), "fresh") {
		t.Errorf("the file was not replaced: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.bin"))
	if err != nil || len(left) != 1 {
		t.Errorf("files in the cache directory: %v", left)
	}
}
