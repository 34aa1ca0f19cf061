package vk

import "fmt"

// Texel is what one fetch from a texel buffer gives: four words or, from binding 16 on, one.
type Texel int

// NoTexel is a storage buffer's.
const (
	NoTexel Texel = iota
	Uint
	Float
	Uint4
	Float4
)

// Size is the bytes of a texel.
func (t Texel) Size() uint64 { return [...]uint64{0, 4, 4, 16, 16}[t] }

// viewable returns why a span cannot be viewed as texels, or nil. Bytes behind the last whole texel are not in the view.
func (c *Caps) viewable(s Span, texel Texel, what string) error {
	switch size := texel.Size(); {
	case s.size < size:
		return fmt.Errorf("vk: %s: %d bytes, a texel has %d", what, s.size, size)
	case s.size/size > c.MaxTexels:
		return fmt.Errorf("vk: %s: %d texels, the device views at most %d", what, s.size/size, c.MaxTexels)
	case c.TexelAlignment > 0 && s.offset%c.TexelAlignment != 0:
		return fmt.Errorf("vk: %s: offset %d is not a multiple of %d, as texel buffers need", what, s.offset, c.TexelAlignment)
	}
	return nil
}

// viewed is a range of a block seen as texels.
type viewed struct {
	offset, size uint64
	texel        Texel
}

// view is the view of a span, made at first use and kept as long as the span's block.
func (d *Device) view(s Span, t Texel) (handle, error) {
	key := viewed{s.offset, s.size - s.size%t.Size(), t}
	// Lavapipe (22.3) takes bits 8 to 15 of a size for the levels of an image, and compiles a kernel anew where there are none: such a
	// view goes on behind the span, which nobody reads.
	if more := key.size + 256; key.size>>8&0xff == 0 && more <= s.block.size-s.offset && more/t.Size() <= d.caps.MaxTexels {
		key.size = more
	}
	s.block.viewing.Lock()
	defer s.block.viewing.Unlock()
	if v, ok := s.block.views[key]; ok {
		return v, nil
	}
	v, err := d.drv.createView(s.block.buffer, key.offset, key.size, t)
	if err != nil {
		return 0, err
	}
	s.block.views[key] = v
	return v, nil
}

// descriptor is what a kernel's binding with a span comes to.
func (d *Device) descriptor(b bufferUse, s Span) (descriptor, error) {
	if b.Texels == NoTexel {
		return descriptor{binding: b.Index, buffer: s.block.buffer, offset: s.offset, size: s.size}, nil
	}
	v, err := d.view(s, b.Texels)
	return descriptor{binding: b.Index, texel: 1, buffer: v}, err
}
