package shaders

import (
	"math"

	"muninn/vk"
)

// Choice is what is read back for a row of logits, 32 bytes as in lib/choice.glsl.
type Choice struct {
	Token   uint32  // the token chosen; NoToken when the logits hold no number or are all equal
	Logit   float32 // its logit
	LogProb float32 // its log-probability before temperature and filters
	Margin  float32 // largest logit minus the second largest
	Top     float32 // largest logit
	LSE     float32 // log of the sum of exp(logit - Top)
	Kept    uint32  // tokens that the filters left; 1 for greedy
	Below   float32 // largest logit minus that of the token given
}

// ChoiceBytes is the size of a Choice on the device.
const ChoiceBytes = 32

// NoToken is the Token of a row whose logits hold a NaN or nothing but negative infinities, or are all equal: those of broken weights.
const NoToken = math.MaxUint32

// DecodeChoice reads a Choice from ChoiceBytes bytes.
func DecodeChoice(b []byte) Choice {
	return Choice{word(b, 0), float(b, 1), float(b, 2), float(b, 3), float(b, 4), float(b, 5), word(b, 6), float(b, 7)}
}

// Put writes the choice as the device reads it.
func (c Choice) Put(b []byte) {
	bits := math.Float32bits
	put(b, c.Token, bits(c.Logit), bits(c.LogProb), bits(c.Margin), bits(c.Top), bits(c.LSE), c.Kept, bits(c.Below))
}

// Argmax records the largest logit of each row, the lowest token among equals, and how far below it a given token is.
// logits (n, vocabulary); given (n) uint32 tokens; choices (n) Choice.
func (r *Recorder) Argmax(choices vk.Span, logits Tensor, given vk.Span, scratch PickScratch) {
	r.pick("argmax", r.k.Lanes, r.k.chunkOrAll(logits.Cols), logits, vk.Cost{Bytes: 2 * logits.bytes(), FLOPs: 8 * logits.bytes()}, scratch, choices, given)
}
