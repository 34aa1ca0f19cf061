package shaders

import "muninn/vk"

// MostLikely is how many of the likeliest tokens TopK gives of a row at most.
const MostLikely = 20

// Likely are the log probabilities of a row of logits, before temperature and filters: 168 bytes as in topk.comp.
type Likely struct {
	Chosen float32 // of the token that its Choice has
	Given  float32 // of the token given
	Top    []LikelyToken
}

// LikelyToken is a token and its log probability.
type LikelyToken struct {
	Token   uint32
	LogProb float32
}

// topkLanes is how many invocations TopK has at least: the largest logit of each is one of those that set its limit.
const topkLanes = 32

// LikelyBytes is the size of a Likely on the device.
const LikelyBytes = 8 + 8*MostLikely

// DecodeLikely reads a Likely from LikelyBytes bytes.
func DecodeLikely(b []byte) Likely {
	l := Likely{Chosen: float(b, 0), Given: float(b, 1)}
	for i := 2; i < LikelyBytes/4 && word(b, i) != NoToken; i += 2 {
		l.Top = append(l.Top, LikelyToken{word(b, i), float(b, i+1)})
	}
	return l
}

// TopK records the likeliest tokens of each row, the lowest token among equals first, and the log probabilities of these, of the token
// chosen and of one given; it runs after Argmax, or Sample, and leaves rows as they are for which that has found no token.
// choices (n) Choice; logits (n, vocabulary), as they were before any Edit; given, wanted (n) uint32: a token, and how many of the likeliest,
// MostLikely at most; likely (n) Likely.
func (r *Recorder) TopK(likely, choices vk.Span, logits Tensor, given, wanted vk.Span, scratch PickScratch) {
	lanes, chunk := max(r.k.Lanes, topkLanes), r.k.chunkOrAll(logits.Cols)
	if r.k.SharesCPU { // a second workgroup costs more than it saves
		chunk = logits.Cols
	}
	r.pick("topk", lanes, chunk, logits, vk.Cost{Bytes: 2 * logits.bytes(), FLOPs: 12 * logits.bytes()}, scratch, choices, given, wanted, likely)
}
