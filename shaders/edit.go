package shaders

import (
	"math"

	"muninn/vk"
)

// Edit changes one logit: l becomes (l < 0 ? l*Scale : l/Scale) + Add. 16 bytes as in edit.comp.
type Edit struct {
	Row, Token uint32
	Scale, Add float32
}

// EditBytes is the size of an Edit on the device.
const EditBytes = 16

// Put writes the edit as the device reads it.
func (e Edit) Put(b []byte) {
	put(b, e.Row, e.Token, math.Float32bits(e.Scale), math.Float32bits(e.Add))
}

// Edit records changes of single logits, in place. edits (capacity) Edit, of which the first count[0] are made; the
// tokens of one row are distinct. logits (n, vocabulary). Each edit's Add becomes the logit as it was.
func (r *Recorder) Edit(logits Tensor, edits, count vk.Span) { r.edit(logits, edits, count, false) }

// Undo records that logits are as they were before the Edit of the same edits.
func (r *Recorder) Undo(logits Tensor, edits, count vk.Span) { r.edit(logits, edits, count, true) }

func (r *Recorder) edit(logits Tensor, edits, count vk.Span, undo bool) {
	capacity := int(edits.Size() / EditBytes)
	r.dispatch("edit", struct{ Stride, Undo uint32 }{uint32(logits.Stride), flag(undo)}, fixed(groups(capacity, 64)),
		vk.Cost{Bytes: edits.Size()}, edits, count, logits.Span)
}
