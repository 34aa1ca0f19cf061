package ref

import (
	"fmt"
	"math"

	"muninn/shaders"
)

// Philox is the generator Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
func Philox(key [2]uint32, counter [4]uint32) [4]uint32 {
	c := counter
	for range 10 {
		a, b := 0xD2511F53*uint64(c[0]), 0xCD9E8D57*uint64(c[2])
		c = [4]uint32{uint32(b>>32) ^ c[1] ^ key[0], uint32(b), uint32(a>>32) ^ c[3] ^ key[1], uint32(a)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return c
}

// InitState is a value of a normal distribution cut at 3 standard deviations, times the row's scale, for each of d
// columns: words 0 to 3 of counter (position, column / 4, 0, 0), each taken as a uniform value on the midpoints of 2^23
// steps and put through the inverse of the cut distribution.
func InitState(r shaders.Row, d int) []float64 {
	within3 := math.Erf(3 / math.Sqrt2)
	y := make([]float64, d)
	for i := range y {
		words := Philox([2]uint32{r.KeyLo, r.KeyHi}, [4]uint32{r.Pos, uint32(i / 4), 0, 0})
		u := (float64(words[i%4]>>9) + 0.5) / (1 << 23)
		y[i] = math.Sqrt2 * math.Erfinv((2*u-1)*within3) * float64(r.Scale)
	}
	return y
}

func initstateCases() []Case {
	var list []Case
	for _, d := range []int{1, 3, 8, 255, 256, 257, 328, 5280} {
		list = append(list, Case{Op: "initstate", Name: fmt.Sprintf("d=%d", d), Limit: 1e-10,
			Why: "a polynomial for erfinv good to 1e-7 and a logarithm of 3 ulp", run: func(t *trial) { initstateTrial(t, d) }})
	}
	return list
}

func initstateTrial(t *trial, d int) {
	table := []shaders.Row{{Scale: 1}, {Pos: 1, Scale: 1}, {KeyLo: 0xDEADBEEF, KeyHi: 0xFFFFFFFF, Pos: 4095, Step: 9, Base: 77, Scale: 0.0137633},
		{Start: shaders.StartGiven, Scale: 1}, {Start: shaders.StartCarried(2), Scale: 1}, {KeyHi: 1, Pos: 1 << 31, Scale: 72.66}, {Start: shaders.StartCarried(0), Scale: 1}}
	const carried = 3
	givenValues := source{seed("given"), heavy, shaders.F32, d}.all(len(table))
	carryValues := source{seed("carry"), heavy, shaders.F32, d}.all(carried)
	rows, _ := t.rows(table, false)
	given, carry := t.input("given", givenValues, len(table), d), t.input("carry", carryValues, carried, d)
	state := t.output("state", len(table), d)
	var want []float64
	for n, r := range table {
		switch r.Start {
		case shaders.StartDrawn:
			want = append(want, InitState(r, d)...)
		case shaders.StartGiven:
			want = append(want, exactly(givenValues[n*d:][:d])...)
		default:
			want = append(want, exactly(carryValues[int(r.Start-shaders.StartCarried(0))*d:][:d])...)
		}
	}
	t.check(func(r *shaders.Recorder) { r.InitState(state.Tensor, given.Tensor, carry.Tensor, rows) },
		func(v *verdict) { v.tensor(state, untouchedPadding, want) })
}
