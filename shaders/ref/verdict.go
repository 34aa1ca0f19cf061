package ref

import (
	"bytes"
	"fmt"
	"math"
)

// verdict gathers what a run showed.
type verdict struct {
	limit        float64
	halves       bool // matrix units multiplied, in half precision
	nmse, maxAbs float64
	problems     []string
}

// fail notes a difference; the first few are kept.
func (v *verdict) fail(format string, args ...any) {
	const most = 3
	if len(v.problems) < most {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

// untouched finds changes in guards, and in the data of operands that are only read.
func (v *verdict) untouched(o *operand) {
	if bytes.Equal(o.start, o.now) {
		return
	}
	if !bytes.Equal(o.start[:o.lo], o.now[:o.lo]) {
		v.fail("something was written before %s", o.name)
	}
	if !bytes.Equal(o.start[o.hi:], o.now[o.hi:]) {
		v.fail("something was written behind %s", o.name)
	}
	if o.written {
		return
	}
	for i := o.lo; i < o.hi; i++ {
		if o.start[i] != o.now[i] {
			v.fail("%s is only read but changed from element %d on", o.name, (i-o.lo)/4)
			return
		}
	}
}

// reference is what values should be. size, where it is given, is the size that a sum has when its terms do not cancel:
// a small sum of large terms carries the error of the terms.
type reference struct{ value, size []float64 }

// becomes compares a tensor with what it should be, (rows, cols).
func becomes(y tensor, want []float64) func(*verdict) {
	return func(v *verdict) { v.tensor(y, reference{value: want}) }
}

// tensor compares a tensor with a reference, its padding with what it has to be, and its int8 activations with its values.
func (v *verdict) tensor(y tensor, want reference) {
	all, before := floatsOf(y.values()), floatsOf(y.before())
	got := make([]float32, 0, y.Rows*y.Cols)
	for r := range y.Rows {
		row := all[r*y.Stride:][:y.Stride]
		got = append(got, row[:y.Cols]...)
		for c := y.Cols; c < y.Stride; c++ {
			if y.padded && row[c] != 0 || !y.padded && math.Float32bits(row[c]) != math.Float32bits(before[r*y.Stride+c]) {
				v.fail("%s: padding column %d of row %d was written", y.name, c, r)
				break
			}
		}
	}
	v.values(y.name, got, want, y.Cols)
	if y.quants != nil {
		v.int8s(y)
	}
}

// values compares rows of cols values; 1: each by itself.
func (v *verdict) values(name string, got []float32, want reference, cols int) {
	s := compare(got, want, cols, v.limit)
	v.nmse, v.maxAbs = max(v.nmse, s.nmse), max(v.maxAbs, s.maxAbs)
	if s.problem != "" {
		v.fail("%s: %s", name, s.problem)
	}
}

// score is how near values are to a reference.
type score struct {
	nmse, maxAbs float64
	problem      string
}

// flushed is a difference that flushing denormals explains: the smallest normal float32 for each of 2^15 terms, or twice
// divided by the square root of a norm's eps.
const flushed = 0x1p-126 * 0x1p24

// compare scores rows of cols values. The error of a row is measured against the same row, so that a large row does not
// hide a small one; the worst counts. limit 0 asks for equality.
func compare(got []float32, ref reference, cols int, limit float64) score {
	want := ref.value
	var s score
	if len(got) != len(want) {
		return score{nmse: math.Inf(1), problem: fmt.Sprintf("%d values, want %d", len(got), len(want))}
	}
	for r := 0; r*cols < len(got); r++ {
		var err2, ref2, most float64
		at := -1
		for c := range cols {
			g, w := float64(got[r*cols+c]), want[r*cols+c]
			d := math.Abs(g - w)
			switch {
			case g == w || d <= flushed && limit > 0:
				d = 0
			case math.IsNaN(d): // NaN on a side, or infinities of the same sign that compared unequal: never
				d = math.Inf(1)
			}
			if d > most {
				most, at = d, c
			}
			err2 += d * d
			if ref.size != nil {
				w = max(math.Abs(w), ref.size[r*cols+c])
			}
			ref2 += w * w
		}
		if err2 == 0 {
			continue
		}
		nmse := err2 / ref2 // +Inf where the reference is all zero
		s.maxAbs = max(s.maxAbs, most)
		if nmse > s.nmse {
			s.nmse = nmse
		}
		if !(nmse <= limit) && s.problem == "" {
			s.problem = fmt.Sprintf("row %d column %d is %g, want %g (row's nmse %.2g)", r, at, got[r*cols+at], want[r*cols+at], nmse)
		}
	}
	return s
}
