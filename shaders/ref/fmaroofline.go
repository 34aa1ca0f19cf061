package ref

import "muninn/shaders"

// fmaroofline is y[i] = the sum of the 32 chains of invocation i after so many steps.
func fmaroofline(invocations, lanes, steps int) []float64 {
	scale, offset := float64(float32(0.9991)), float64(float32(0.0001)) // as the kernel's constants are rounded
	y := make([]float64, invocations)
	for i := range y {
		for chain := range 32 {
			a := float64(i%lanes) + float64(chain)/4
			for range steps {
				a = a*scale + offset
			}
			y[i] += a
		}
	}
	return y
}

func fmarooflineCases() []Case {
	c := Case{Op: "fmaroofline", Name: "steps=", Limit: 1e-9, Why: "500 roundings of 6e-8 that may all go one way, squared"}
	return each(c, []int{0, 1, 500}, fmarooflineTrial)
}

func fmarooflineTrial(t *trial, steps int) {
	lanes := t.kernels[0].Lanes
	n := 3 * lanes
	y := t.output("y", 1, n)
	t.check(func(r *shaders.Recorder) { r.FMARoofline(y.Span.Slice(0, uint64(4*n)), steps) }, becomes(y, fmaroofline(n, lanes, steps)))
}
