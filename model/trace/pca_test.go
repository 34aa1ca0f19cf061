package trace

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

// spread makes rows whose variance falls by a factor from one random direction to the next.
func spread(rows, width int, factor float64) [][]float32 {
	rng := rand.New(rand.NewPCG(7, 8))
	dirs := mat.NewDense(width, width, nil)
	dirs.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, dirs)
	orthonormalise(dirs)
	out := make([][]float32, rows)
	for r := range out {
		x := make([]float64, width)
		for j := range width {
			a := rng.NormFloat64() * math.Pow(factor, float64(j)/2)
			for i := range x {
				x[i] += a * dirs.At(i, j)
			}
		}
		out[r] = make([]float32, width)
		for i := range x {
			out[r][i] = float32(x[i] + 5)
		}
	}
	return out
}

// exact is the PCA by all eigenvectors of the covariance.
func exact(rows [][]float32, width, k int) *pca {
	mean := meanOf(rows, width)
	cov := make([]float64, width*width)
	for _, row := range rows {
		for i := range row {
			for j := range row {
				cov[i*width+j] += (float64(row[i]) - mean[i]) * (float64(row[j]) - mean[j])
			}
		}
	}
	_, vectors := eigen(cov, width)
	p := &pca{mean: mean, dirs: mat.NewDense(width, k, nil)}
	p.dirs.Copy(vectors)
	p.fixSigns()
	return p
}

func TestPCAIsExact(t *testing.T) {
	for _, c := range []struct {
		rows, width, k int
		factor         float64
		tolerance      float64
	}{{200, 3, 2, 0.5, 1e-9}, {300, 40, 6, 0.6, 1e-4}, {500, 100, 6, 0.8, 1e-2}, {5, 30, 2, 0.5, 1e-6}} {
		rows := spread(c.rows, c.width, c.factor)
		got, want := fitPCA(rows, c.width, c.k), exact(rows, c.width, c.k)
		have, wanted := got.dirs.RawMatrix().Data, want.dirs.RawMatrix().Data
		for i := range have {
			if math.Abs(have[i]-wanted[i]) > c.tolerance {
				t.Fatalf("%+v: loading %d of component %d is %g, want %g", c, i/c.k, i%c.k, have[i], wanted[i])
			}
		}
		_, explained := got.project(rows)
		_, best := want.project(rows)
		for j := range explained {
			if math.Abs(explained[j]-best[j]) > 1e-6 {
				t.Errorf("%+v: component %d explains %g, want %g", c, j, explained[j], best[j])
			}
		}
	}
}

func TestEigen(t *testing.T) {
	values, vectors := eigen([]float64{2, 1, 0, 1, 2, 0, 0, 0, 5}, 3)
	for i, want := range []float64{5, 3, 1} {
		if math.Abs(values[i]-want) > 1e-14 {
			t.Errorf("eigenvalue %d is %g, want %g", i, values[i], want)
		}
	}
	if x := math.Abs(vectors.At(0, 1)); math.Abs(x-math.Sqrt2/2) > 1e-14 || math.Abs(vectors.At(2, 0)) != 1 {
		t.Errorf("vectors %v", vectors)
	}
}

// Numbers must not depend on the machine's processors, nor a picture turn over from run to run.
func TestPCAIsTheSameEachTime(t *testing.T) {
	rows := spread(300, 40, 0.9)
	first := fitPCA(rows, 40, 6)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if diff := cmp.Diff(first.dirs.RawMatrix().Data, fitPCA(rows, 40, 6).dirs.RawMatrix().Data); diff != "" {
		t.Error(diff)
	}
	for j := range 6 {
		largest := 0.0
		for i := range 40 {
			if x := first.dirs.At(i, j); math.Abs(x) > math.Abs(largest) {
				largest = x
			}
		}
		if largest <= 0 {
			t.Errorf("the largest loading of component %d is %g", j, largest)
		}
	}
}

func TestPCAOfLittle(t *testing.T) {
	for name, rows := range map[string][][]float32{
		"none": nil, "one": {{1, 2}}, "equal": {{1, 2}, {1, 2}, {1, 2}}, "line": {{1, 2}, {2, 4}, {3, 6}}, "not finite": {{float32(math.NaN()), 1}, {1, 2}},
	} {
		where, explained := fitPCA(rows, 2, 6).project(rows)
		if len(where) != len(rows) || len(explained) != 6 {
			t.Fatalf("%s: %d rows, %d components", name, len(where), len(explained))
		}
		if name == "line" && (math.Abs(explained[0]-1) > 1e-12 || math.Abs(where[2][0]-math.Sqrt(5)) > 1e-6) {
			t.Errorf("line: explained %v, rows %v", explained, where)
		}
	}
}

// 500 tokens of 64 steps, the making of states and logits included.
func BenchmarkLongTrace(b *testing.B) {
	var svg, page, data counter
	for b.Loop() {
		tr := sample(b, 500, 64, 128, 960)
		svg, page, data = 0, 0, 0
		for _, err := range []error{tr.WriteSVG(&svg, "auto"), tr.WriteHTML(&page, "auto"), tr.WriteJSON(&data)} {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(svg), "SVG-bytes")
	b.ReportMetric(float64(page), "HTML-bytes")
	b.ReportMetric(float64(data), "JSON-bytes")
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// The states of 128 tokens of the 3.5B model: about 8000 of 5280.
func BenchmarkPCA(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	rows := make([][]float32, 8000)
	for i := range rows {
		rows[i] = make([]float32, 5280)
		for j := range rows[i] {
			rows[i][j] = float32(rng.NormFloat64() / float64(1+j))
		}
	}
	for b.Loop() {
		fitPCA(rows, 5280, 6).project(rows)
	}
}
