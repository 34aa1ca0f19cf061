package shaders

import "muninn/vk"

// FMARooflineFLOPs is the number of operations of one step of one invocation of FMARoofline: 32 multiply-adds.
const FMARooflineFLOPs = 64

// FMARoofline records float32 multiply-adds as fast as the device can, so many steps in each of y's invocations: y[i] becomes
// the sum of the chains of fmaroofline.comp. y (invocations) float32, whole workgroups of Lanes. As for ReadRoofline, no cost is recorded.
func (r *Recorder) FMARoofline(y vk.Span, steps int) {
	lanes := r.k.Lanes
	n := y.Size() / 4
	r.check(n > 0 && n%uint64(lanes) == 0 && steps >= 0, "fmaroofline of %d steps by %d invocations, %d a workgroup", steps, n, lanes)
	r.dispatchSpec("fmaroofline", []uint32{uint32(lanes)}, struct{ Steps uint32 }{uint32(steps)}, fixed(uint32(n)/uint32(lanes)),
		vk.Cost{}, y)
}
