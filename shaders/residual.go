package shaders

import "muninn/vk"

// Residual is how the residual stream x takes in a, what a half of a block gave, with the norm after it.
type Residual uint32

// The forms. ResidualNormed is Huginn's. ResidualPlain has no norm and uses no weight: its span may be zero.
const (
	ResidualNormed Residual = iota // x = rms(a + x) weight
	ResidualInside                 // x = x + rms(a) weight
	ResidualPlain                  // x = x + a
)

// weight is what is bound for the norm's weight: something as long that the kernel reads anyway where it uses none.
func (f Residual) weight(weight, other vk.Span) vk.Span {
	if f == ResidualPlain {
		return other
	}
	return weight
}
