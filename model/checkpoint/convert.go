package checkpoint

import (
	"cmp"
	"errors"
	"math"
	"runtime"
	"sync"

	"muninn/model/checkpoint/quant"
	"muninn/model/internal/strict"
	"muninn/shaders/format"
)

// Converter turns stored elements into those of another type, on all cores. What it makes does not depend on their number.
type Converter struct {
	Scratch [][]float32 // one for each core
}

// convertStretch is the number of elements that a core takes at a time: whole blocks, small enough for its cache.
const convertStretch = 8192

func NewConverter() *Converter {
	c := &Converter{Scratch: make([][]float32, runtime.GOMAXPROCS(0))}
	for i := range c.Scratch {
		c.Scratch[i] = make([]float32, convertStretch)
	}
	return c
}

// convert writes elements first.. of info, whose stored bytes are src, to dst as type to.
func (c *Converter) convert(dst []byte, to format.Type, src []byte, info TensorInfo, first int64) error {
	if err := info.CheckBlocks(src, first); err != nil {
		return err
	}
	if to == info.DType {
		copy(dst, src)
		return nil
	}
	n := info.DType.Elements(int64(len(src)))
	stretches := int((n + convertStretch - 1) / convertStretch)
	return c.Each(stretches, func(worker, i int) error {
		from := int64(i) * convertStretch
		count := min(convertStretch, n-from)
		v := c.Scratch[worker][:count]
		info.DType.Decode(v, src[info.DType.Bytes(from):])
		return info.Encode(dst[to.Bytes(from):][:to.Bytes(count)], to, v, first+from)
	})
}

// Each runs f for 0 to n-1 on all cores. The error is that of the lowest number that failed.
func (c *Converter) Each(n int, f func(worker, i int) error) error {
	workers := min(len(c.Scratch), n)
	var group sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			// Neighbours go to one core: they share pages.
			for i := n * w / workers; i < n*(w+1)/workers && errs[w] == nil; i++ {
				errs[w] = f(w, i)
			}
		})
	}
	group.Wait()
	return cmp.Or(errs...)
}

// Encode writes v, elements first.. of the tensor, as type to. Values that the type has no room for are an error.
func (t TensorInfo) Encode(dst []byte, to format.Type, v []float32, first int64) error {
	var err error
	switch to {
	case format.Q8_0:
		err = quant.EncodeQ8(dst, v)
	case format.Q4_0:
		err = quant.EncodeQ4(dst, v)
	case format.F16:
		for i, x := range v {
			if a := math.Abs(float64(x)); a > 65504 && !math.IsInf(a, 0) {
				return t.beyond(to, first+int64(i), x)
			}
		}
		to.Encode(dst, v)
	default:
		to.Encode(dst, v)
	}
	var bad *quant.ValueError
	if errors.As(err, &bad) {
		return t.beyond(to, first+int64(bad.Index), bad.Value)
	}
	return err
}

func (t TensorInfo) beyond(to format.Type, at int64, x float32) error {
	if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
		return strict.Unusable("%s: element %d is %g, which %s cannot hold; the checkpoint is damaged or its training went wrong", t.Name, at, x, to)
	}
	return strict.Unusable("%s: element %d is %g, too large for %s; keep this part in bf16", t.Name, at, x, to)
}
