package engine

import (
	"muninn/model/arch"
	"muninn/model/engine/weights"
	"muninn/shaders"
)

// Work is the weights that passes read and multiply.
type Work struct {
	Once Weights // prelude, coda and norms
	Step Weights // adapter and core blocks, at every core step
	Head Weights // the output matrix
}

// Weights is how many elements matrices have, and the bytes that these and the vectors beside them take on the device.
type Weights struct{ Elements, Bytes float64 }

// WorkOf adds up the weights of a model whose formats on the device are given. One row of the embedding is read, which does
// not count, unless it is the output matrix.
func WorkOf(c arch.Config, formats weights.Formats) (w Work) {
	for _, spec := range c.TensorSpecs() {
		to := &w.Once
		switch spec.Part {
		case arch.PartAdapter, arch.PartCore:
			to = &w.Step
		case arch.PartHead, arch.PartEmbedding:
			if c.TieEmbeddings != (spec.Part == arch.PartEmbedding) {
				continue
			}
			to = &w.Head
		}
		if len(spec.Shape) != 2 {
			elements := 1
			for _, n := range spec.Shape {
				elements *= n
			}
			to.Bytes += 4 * float64(elements) // float32 on the device, whatever the file has
			continue
		}
		to.Elements += float64(spec.Shape[0]) * float64(spec.Shape[1])
		to.Bytes += float64(shaders.MatrixBytes(spec.Shape[0], spec.Shape[1], formats(spec)))
	}
	return w
}

// Pass is the bytes of weights that a pass of some core steps reads, and the operations of its products over rows, one of them
// with logits.
func (w Work) Pass(rows, steps int) (bytes, flops float64) {
	n, r := float64(rows), float64(steps)
	return w.Once.Bytes + r*w.Step.Bytes + w.Head.Bytes, 2 * (n*(w.Once.Elements+r*w.Step.Elements) + w.Head.Elements)
}
