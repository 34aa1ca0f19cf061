//go:build cgo

package vk_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"muninn/vk"
	"muninn/vk/vktest"
)

func TestArena(t *testing.T) {
	limits := func(c *vk.Caps) { c.MaxAllocation = 8 << 20 } // blocks of at most 4 MiB
	vktest.EachWith(t, vktest.Limited(vk.Options{}, limits), func(t *testing.T, d *vk.Device) {
		a := arena(t, d, vk.DeviceLocal)
		if a.Size() != 0 {
			t.Errorf("an arena without allocations holds %d bytes", a.Size())
		}
		one, two := alloc(t, a, 1), alloc(t, a, 300)
		if one.Size() != 1 || two.Size() != 300 || a.Used() != 256+512 {
			t.Errorf("spans of %d and %d bytes use %d", one.Size(), two.Size(), a.Used())
		}
		if one.Bytes() != nil {
			t.Error("device-local memory offers its bytes")
		}
		const mib = 1<<20 + 256 // of a block: no power of two
		if a.Size() != mib {
			t.Errorf("the first block has %d bytes, want %d", a.Size(), mib)
		}
		large := alloc(t, a, 7<<20) // above the usual block
		if large.Size() != 7<<20 || a.Size() != mib+7<<20 {
			t.Errorf("span of %d bytes in an arena of %d", large.Size(), a.Size())
		}
		alloc(t, a, 1<<20)
		if a.Size() != 2*mib+7<<20 { // the large span's block does not count as one of the doubling ones
			t.Errorf("the third block makes the arena %d bytes, want 1 MiB more", a.Size())
		}
		if got := d.Counters(); got.Allocations != 3 || got.DeviceBytes != 2*mib+7<<20 {
			t.Errorf("counters %+v", got)
		}
		if _, err := a.Alloc(8<<20 + 1); !errors.Is(err, vk.ErrOutOfMemory) {
			t.Errorf("more than the largest allocation: %v", err)
		}
		if _, err := a.Alloc(0); err == nil {
			t.Error("allocated 0 bytes")
		}
		a.Free()
		a.Free()
		if _, err := a.Alloc(1); err == nil {
			t.Error("allocated from a freed arena")
		}
		if got := d.Counters(); got.Allocations != 0 || got.DeviceBytes != 0 {
			t.Errorf("counters after Free: %+v", got)
		}
		if err := d.Write(one, []byte{1}); err == nil || !strings.Contains(err.Error(), "freed") {
			t.Errorf("write to a freed arena: %v", err)
		}
	})
}

func TestSlicePanicsOutside(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		s := alloc(t, arena(t, d, vk.Upload), 64)
		if got := s.Slice(60, 4); got.Size() != 4 || len(got.Bytes()) != 4 || cap(got.Bytes()) != 4 {
			t.Errorf("slice of %d bytes", got.Size())
		}
		for _, c := range [][2]uint64{{61, 4}, {65, 0}, {^uint64(0), 2}, {1, ^uint64(0)}} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("slice [%d:+%d] of 64 bytes", c[0], c[1])
					}
				}()
				s.Slice(c[0], c[1])
			}()
		}
	})
}

// TestTransfers moves more than two staging slots hold, with and without staging, at odd sizes and offsets.
func TestTransfers(t *testing.T) {
	for name, opt := range map[string]vk.Options{"direct": {}, "staged": vktest.Staged(vk.Options{})} {
		t.Run(name, func(t *testing.T) {
			vktest.EachWith(t, opt, func(t *testing.T, d *vk.Device) {
				const n = 40<<20 + 37
				rng := rand.NewChaCha8([32]byte{1})
				want := make([]byte, n)
				_, _ = rng.Read(want)
				s := alloc(t, arena(t, d, vk.DeviceLocal), n+3).Slice(1, n)
				before := d.Counters()
				must(t, d.Write(s, want))
				got := make([]byte, n)
				must(t, d.Read(s, got))
				if !bytes.Equal(got, want) {
					t.Error("what was read is not what was written")
				}
				after := d.Counters()
				if up, down := after.BytesUp-before.BytesUp, after.BytesDown-before.BytesDown; up != n || down != n {
					t.Errorf("%d bytes up and %d down, want %d", up, down, n)
				}
				// Three pieces of 16 MiB or less each way, or no submission at all.
				submissions := uint64(0)
				if name == "staged" {
					submissions = 6
				}
				if got := after.Submissions - before.Submissions; got != submissions {
					t.Errorf("%d submissions, want %d", got, submissions)
				}
				if err := d.Write(s, want[1:]); err == nil {
					t.Error("wrote another size than the span's")
				}
				if err := d.Read(s, got[1:]); err == nil {
					t.Error("read another size than the span's")
				}
			})
		})
	}
}

func TestWriteFunc(t *testing.T) {
	for name, opt := range map[string]vk.Options{"direct": {}, "staged": vktest.Staged(vk.Options{})} {
		t.Run(name, func(t *testing.T) {
			vktest.EachWith(t, opt, func(t *testing.T, d *vk.Device) {
				const n = 33 << 20
				s := alloc(t, arena(t, d, vk.DeviceLocal), n)
				next := uint64(0)
				must(t, d.WriteFunc(s, func(off uint64, p []byte) error {
					if off != next || len(p) > 16<<20 || len(p)%64 != 0 || len(p) == 0 {
						t.Errorf("piece at %d of %d bytes, want one at %d", off, len(p), next)
					}
					for i := range p {
						p[i] = byte((off + uint64(i)) >> 16)
					}
					next = off + uint64(len(p))
					return nil
				}))
				got := make([]byte, n)
				must(t, d.Read(s, got))
				for i := range got {
					if got[i] != byte(i>>16) {
						t.Fatalf("byte %d is %d", i, got[i])
					}
				}
				full := errors.New("source ended")
				err := d.WriteFunc(s, func(off uint64, p []byte) error {
					if off > 0 {
						return full
					}
					return nil
				})
				if err != full {
					t.Errorf("error %v, want the callback's", err)
				}
				must(t, d.Fill(s, 0x01020304))
				must(t, d.Read(s.Slice(n-4, 4), got[:4]))
				if !bytes.Equal(got[:4], []byte{4, 3, 2, 1}) {
					t.Errorf("filled with % x", got[:4])
				}
				if err := d.Fill(s.Slice(2, 8), 0); err == nil {
					t.Error("filled at an offset that is not a multiple of 4")
				}
			})
		})
	}
}

// TestOutOfMemory asks SwiftShader for 1 GiB at once, which it refuses although its limits allow it; lavapipe would give
// it.
func TestOutOfMemory(t *testing.T) {
	for _, name := range vktest.Names() {
		if name != "SwiftShader" {
			continue
		}
		d := vktest.Open(t, name, vk.Options{})
		a := arena(t, d, vk.DeviceLocal)
		_, err := a.Alloc(1 << 30)
		var oom *vk.OutOfMemoryError
		if !errors.As(err, &oom) || !errors.Is(err, vk.ErrOutOfMemory) {
			t.Fatalf("error %v, want an OutOfMemoryError", err)
		}
		if oom.Requested != 1<<30 || oom.Heap == 0 || !oom.Device || oom.Used != 0 {
			t.Errorf("%+v", oom)
		}
		if !strings.Contains(err.Error(), "1024 MiB") {
			t.Errorf("%q does not name the size", err)
		}
		alloc(t, a, 1<<20) // the device goes on
	}
}

func TestStagingOutOfMemory(t *testing.T) {
	vktest.EachWith(t, vktest.Staged(vk.Options{}), func(t *testing.T, d *vk.Device) {
		s := alloc(t, arena(t, d, vk.DeviceLocal), 64)
		vktest.Fail(d, vktest.Alloc, 2)
		if err := d.Write(s, make([]byte, 64)); !errors.Is(err, vk.ErrOutOfMemory) {
			t.Errorf("write without staging memory: %v", err)
		}
		must(t, d.Write(s, bytes.Repeat([]byte{5}, 64)))
		if got := readWords(t, d, s)[15]; got != 0x05050505 {
			t.Errorf("read %x", got)
		}
	})
}
