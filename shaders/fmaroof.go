package shaders

import "muninn/vk"

// FMARoofFLOPs is the number of operations of one step of one invocation of FMARoof: 32 multiply-adds.
const FMARoofFLOPs = 64

// FMARoof records float32 multiply-adds as fast as the device can, so many steps in each of y's invocations: y[i] becomes
// the sum of the chains of fmaroof.comp. y (invocations) float32, whole workgroups of Lanes. As for ReadRoof, no cost is recorded.
func (r *Recorder) FMARoof(y vk.Span, steps int) {
	lanes := r.k.Lanes
	n := y.Size() / 4
	if !r.check(n > 0 && n%uint64(lanes) == 0 && steps >= 0, "fmaroof of %d steps by %d invocations, %d a workgroup", steps, n, lanes) {
		return
	}
	r.dispatchSpec("fmaroof", []uint32{uint32(lanes)}, struct{ Steps uint32 }{uint32(steps)}, fixed(uint32(n)/uint32(lanes)),
		vk.Cost{}, y)
}
