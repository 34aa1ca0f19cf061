package ref

import "muninn/shaders"

// readroofline is y[i] = the sum modulo 2^32 of what invocation i reads of x: each vectors of four words, a workgroup of lanes
// invocations taking lanes vectors at a time.
func readroofline(x []uint32, invocations, lanes, each int) []uint32 {
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
	return each(Case{Op: "readroofline", Name: "each=", Why: "a sum of integers"}, []int{4, 8, 64}, readrooflineTrial)
}

func readrooflineTrial(t *trial, each int) {
	lanes := t.kernels[0].Lanes
	n := 3 * lanes
	words := make([]uint32, 4*n*each)
	for i := range words {
		words[i] = uint32(i) * 2654435761 // spreads over all bits
	}
	x, y := t.words("x", words), t.output("y", 1, n)
	want := readroofline(words, n, lanes, each)
	t.check(func(r *shaders.Recorder) { r.ReadRoofline(y.Span.Slice(0, uint64(4*n)), x) }, func(v *verdict) {
		for i, got := range wordsOf(y.values())[:n] {
			if got != want[i] {
				v.fail("invocation %d summed to %d, want %d", i, got, want[i])
				return
			}
		}
	})
}
