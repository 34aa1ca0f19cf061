package main

import (
	"math"
	"slices"

	"muninn/model/arch"
	"muninn/model/engine"
	"muninn/shaders"
)

// part is weights that are read together: how many there are, and the bytes they take on the device.
type part struct{ weights, bytes float64 }

// work is what a pass goes through.
type work struct{ once, step, head part } // prelude and coda; adapter and core; the output matrix

// workOf adds up the matrices of a model whose formats on the device are given.
func workOf(c arch.Config, formats engine.Formats) (w work) {
	for _, spec := range c.TensorSpecs() {
		if len(spec.Shape) != 2 {
			continue
		}
		var to *part
		switch spec.Part {
		case arch.PartPrelude, arch.PartCoda:
			to = &w.once
		case arch.PartAdapter, arch.PartCore:
			to = &w.step
		case arch.PartHead:
			to = &w.head
		case arch.PartEmbedding:
			if !c.TieEmbeddings {
				continue // one row is read
			}
			to = &w.head
		}
		if spec.Part == arch.PartHead && c.TieEmbeddings {
			continue
		}
		to.weights += float64(spec.Shape[0]) * float64(spec.Shape[1])
		to.bytes += float64(shaders.MatrixBytes(spec.Shape[0], spec.Shape[1], formats(spec)))
	}
	return w
}

// pass is the bytes of weights that a pass of r steps reads, and the operations of its products over rows, one with logits.
func (w work) pass(rows, r int) (bytes, flops float64) {
	n, steps := float64(rows), float64(r)
	return w.once.bytes + steps*w.step.bytes + w.head.bytes, 2 * (n*(w.once.weights+steps*w.step.weights) + w.head.weights)
}

func medianOf(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

// meanOf is mean and standard deviation; that of one value is 0.
func meanOf(list []float64) (mean, sd float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	for _, x := range list {
		sd += (x - mean) * (x - mean) / float64(max(len(list)-1, 1))
	}
	return mean, math.Sqrt(sd)
}
