package shaders

import "muninn/vk"

// ReadRoofline records reading all of x as fast as the device can, an equal share for each of y's invocations: y[i] becomes the
// sum of the words it read, modulo 2^32. y (invocations) uint32, whole workgroups of Lanes; x a multiple of 64 bytes
// for each of them. No cost is recorded, so that it is never cut: that would be measured too, and how much is read at once
// is the caller's care.
func (r *Recorder) ReadRoofline(y, x vk.Span) {
	lanes := r.k.Lanes
	n := y.Size() / 4
	if !r.check(n > 0 && n%uint64(lanes) == 0 && x.Size()%(64*n) == 0, "readroofline of %d bytes by %d invocations, %d a workgroup", x.Size(), n, lanes) {
		return
	}
	r.dispatchSpec("readroofline", []uint32{uint32(lanes)}, struct{ Each uint32 }{uint32(x.Size() / 16 / n)}, fixed(uint32(n)/uint32(lanes)),
		vk.Cost{}, x, y)
}
