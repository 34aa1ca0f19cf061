package ref

import (
	"encoding/binary"
	"fmt"

	"muninn/shaders"
)

// ReadRoofline is y[i] = the sum modulo 2^32 of what invocation i reads of x: each vectors of four words, a workgroup of lanes
// invocations taking lanes vectors at a time.
func ReadRoofline(x []uint32, invocations, lanes, each int) []uint32 {
	y := make([]uint32, invocations)
	for i := range y {
		for v := range each {
			at := 4 * ((i/lanes*each+v)*lanes + i%lanes)
			for _, w := range x[at : at+4] {
				y[i] += w
			}
		}
	}
	return y
}

func readrooflineCases() []Case {
	var list []Case
	for _, each := range []int{4, 8, 64} {
		list = append(list, Case{Op: "readroofline", Name: fmt.Sprintf("each=%d", each), Why: "a sum of integers", run: func(t *trial) { readrooflineTrial(t, each) }})
	}
	return list
}

func readrooflineTrial(t *trial, each int) {
	lanes := t.kernels[0].Lanes
	n := 3 * lanes
	words := make([]uint32, 4*n*each)
	for i := range words {
		words[i] = uint32(i) * 2654435761 // spreads over all bits
	}
	x, y := t.words("x", words), t.output("y", 1, n)
	want := ReadRoofline(words, n, lanes, each)
	t.check(func(r *shaders.Recorder) { r.ReadRoofline(y.Span.Slice(0, uint64(4*n)), x) }, func(v *verdict) {
		for i, w := range want {
			if got := binary.LittleEndian.Uint32(y.values()[4*i:]); got != w {
				v.fail("invocation %d summed to %d, want %d", i, got, w)
				return
			}
		}
	})
}
