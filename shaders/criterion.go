package shaders

import "muninn/vk"

// LogitCriterion records the value of an exit criterion that looks at the logits, for those groups that are due for a check by the
// criterion of that number. kernel is the part of its name after "criterion_". logits (n, vocabulary); groupOf (n) uint32, the group of each row of
// logits; previous (groups, vocabulary) is the kernel's own from one check to the next.
func (r *Recorder) LogitCriterion(kernel string, criterion uint32, logits Tensor, groupOf vk.Span, g Groups, previous Tensor) {
	r.check(previous.Cols == logits.Cols && previous.Rows >= g.N && groupOf.Size() >= 4*uint64(logits.Rows), "criterion of %dx%d with %dx%d for %d groups",
		logits.Rows, logits.Cols, previous.Rows, previous.Cols, g.N)
	push := struct{ Vocab, Stride, Criterion uint32 }{uint32(logits.Cols), uint32(logits.Stride), criterion}
	r.dispatch("criterion_"+kernel, push, rowsX(logits.Rows), vk.Cost{Bytes: 4 * logits.bytes(), FLOPs: 16 * logits.bytes()},
		logits.Span, groupOf, g.Rules, g.Progress, previous.Span)
}
