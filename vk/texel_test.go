package vk

import (
	"math/bits"
	"testing"
)

// Views are alike in all that lavapipe compiles a kernel anew for: they lie in blocks whose sizes are no powers of two, and have bytes in
// a size's second byte. No view goes beyond its block, or has more texels than the device views.
func TestViewsAreAlike(t *testing.T) {
	f := newFake()
	d := fakeDevice(t, f, Options{})
	for _, n := range []uint64{16, 512, 1 << 16, 1<<20 + 4096, 2 << 20, 100} {
		a := d.NewArena("views", DeviceLocal)
		for range 3 {
			s, err := a.Alloc(n)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.view(s, Uint4); err != nil {
				t.Fatal(err)
			}
			size := f.views[len(f.views)-1]
			if bits.OnesCount64(s.block.size) == 1 || size>>8&0xff == 0 || size < n-n%16 || s.offset+size > s.block.size {
				t.Errorf("a view of %d bytes for %d at %d of a block of %d", size, n, s.offset, s.block.size)
			}
		}
		a.Free()
	}
	s := Span{&block{size: 1 << 16, views: map[viewed]handle{}}, 0, 1 << 16}
	if _, err := d.view(s, Uint4); err != nil || f.views[len(f.views)-1] != 1<<16 {
		t.Errorf("a view of %d bytes of all that its block has", f.views[len(f.views)-1])
	}
	d.caps.MaxTexels = 1 << 12
	s.block.size *= 2
	clear(s.block.views)
	if _, err := d.view(s, Uint4); err != nil || f.views[len(f.views)-1] != 1<<16 {
		t.Errorf("a view of %d texels of %d", f.views[len(f.views)-1]/16, d.caps.MaxTexels)
	}
}
