package ref

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// GEMV by several subgroups is right in whatever shape: rows that are no whole number of what a workgroup takes, of less than its lanes
// take at once, of that many times Depth exactly and of one unit more, with heavy tails.
func TestWideGEMV(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		n := 3
		if !shaders.Unrolls(d.Caps()) {
			n = 1 // for more it takes gigabytes to compile
		}
		for _, g := range []shaders.GEMV{
			{Groups: 8, Beside: 4, WeightRows: 16, Depth: 2},
			{Groups: 3, Beside: 3, WeightRows: 3, Depth: 4},
		} {
			var sizes []matmulSize
			for _, f := range format.Types() {
				unit := unitBytesOf(f)
				share := g.Groups / g.Beside * 8 // lanes of a row where a subgroup has 8
				for i, k := range []int{1, share * unit * g.Depth, share*unit*g.Depth + 64} {
					s := matmulSize{n: n, rows: []int{1, 17, 35}[i], k: k, format: f, family: []family{uniform, heavy, halfMax}[i]}
					sizes = append(sizes, s)
					if s.int8 = true; f.Blocked() && d.Caps().IntegerDot {
						sizes = append(sizes, s)
					}
				}
			}
			floats := slices.DeleteFunc(slices.Clone(sizes), func(s matmulSize) bool { return s.int8 })
			cases := each(Case{Op: "matmul", Limit: matmulLimit}, sizes, matmulTrial)
			if g.Depth == 2 {
				cases = slices.Concat(cases, each(Case{Op: "swiglu", Limit: matmulLimit}, sizes, swigluTrial), each(Case{Op: "adapter", Limit: matmulLimit}, floats, adapterTrial))
			}
			results, err := Run(context.Background(), d, Options{Cases: cases, Shaders: []shaders.Options{{VecRows: n, Vectors: shaders.Specialized, Activations: shaders.Int8Activations, GEMV: g}}})
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != len(cases) {
				t.Errorf("%+v: %d results of %d cases", g, len(results), len(cases))
			}
			for _, r := range results {
				if r.Err != nil || !r.OK || !strings.HasSuffix(r.Kernel, "_wg") {
					t.Errorf("%+v: %v", g, r)
				}
			}
		}
	})
}

// unitBytesOf is the number of weights in 16 bytes.
func unitBytesOf(f format.Type) int {
	elements, bytes := f.Block()
	if f.Blocked() {
		bytes -= format.ScaleBytes
	}
	return 16 * elements / bytes
}

// A row's sum has the same bits however many rows of weights and of x a lane has, and however much of them it loads at once: those are
// chosen by the number of rows of x, and by measurement.
func TestWideGEMVBits(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		if !shaders.Unrolls(d.Caps()) {
			return // takes gigabytes to compile
		}
		for _, f := range []format.Type{format.BF16, format.Q8_0, format.Q4_0} {
			for _, int8 := range []bool{false, true} {
				if int8 && !(f.Blocked() && d.Caps().IntegerDot) {
					continue
				}
				var want []byte
				for i, g := range []shaders.GEMV{
					{Groups: 4, Beside: 2, WeightRows: 2, XRows: 1, Depth: 1}, {Groups: 4, Beside: 2, WeightRows: 16, XRows: 1, Depth: 1},
					{Groups: 4, Beside: 2, WeightRows: 8, XRows: 4, Depth: 1}, {Groups: 4, Beside: 2, WeightRows: 4, XRows: 2, Depth: 3},
					{Groups: 2, Beside: 1, WeightRows: 3, XRows: 6, Depth: 2}, {Groups: 8, Beside: 4, WeightRows: 8, XRows: 1, Depth: 4},
				} {
					opt := shaders.Options{VecRows: 16, Vectors: shaders.Specialized, Activations: shaders.Int8Activations, GEMV: g}
					var got []byte
					c := Case{Op: "matmul", Name: "one", Limit: matmulLimit, run: func(t *trial) {
						s := matmulSize{n: 6, rows: 37, k: 1088, format: f, int8: int8}
						x, y := t.factor(s), t.output("y", s.n, s.rows)
						w, _ := t.weights("w", s)
						t.check(func(r *shaders.Recorder) { r.MatMul(y.Tensor, w, x.Tensor) }, func(*verdict) { got = slices.Clone(y.values()) })
					}}
					results, err := Run(context.Background(), d, Options{Cases: []Case{c}, Shaders: []shaders.Options{opt}})
					if err != nil || len(results) != 1 || results[0].Err != nil || !strings.HasSuffix(results[0].Kernel, "_wg") {
						t.Fatal(fmt.Sprintf("%v %+v: %v", f, g, results), err)
					}
					if want == nil {
						want = got
					}
					if !slices.Equal(got, want) {
						t.Errorf("%v int8 %v: other bits in form %d, %+v", f, int8, i, g)
					}
				}
			}
		}
	})
}
