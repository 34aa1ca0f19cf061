package plain

import "math"

// Rule is how a reader of the KV cache picks the slot of a position: the numbers of attention.comp.
type Rule uint32

// The lookup rules. RuleOne is for layers with a single slot (prelude and coda).
const (
	RuleOne        Rule = iota
	RuleFull            // positions that lack the reader's slot are not seen
	RuleLatest          // of those the deepest slot that is not deeper than the reader's
	RuleAlwaysLast      // of every position the deepest slot, as soon as one position lacks the reader's
)

// Slots says which KV slot holds a core step: Every steps on end share one; of these runs the first Anchor have a slot
// each, later ones share Period in turn.
type Slots struct {
	Every          int // 0 means 1
	Anchor, Period int
	Rule           Rule
}

// Count is the number of slots.
func (s Slots) Count() int { return s.Anchor + s.Period }

// Slot is the slot of a core step, counted from 0.
func (s Slots) Slot(step int) int {
	run := step / max(s.Every, 1)
	if run < s.Anchor {
		return run
	}
	return s.Anchor + (run-s.Anchor)%s.Period
}

// Stored is the number of slots that so many core steps fill.
func (s Slots) Stored(steps int) int {
	every := max(s.Every, 1)
	return min((steps+every-1)/every, s.Count())
}

// Select picks the slot that a reader at slot own gets of a position that has stored so many, or false when it does not see the
// position. lacking tells whether any position that it could see lacks slot own; only RuleAlwaysLast asks.
func (s Slots) Select(own, stored int, lacking bool) (slot int, ok bool) {
	switch slot = own; {
	case s.Rule == RuleOne:
		return 0, true
	case s.Rule == RuleLatest:
		slot = min(own, stored-1)
	case s.Rule == RuleAlwaysLast && lacking:
		slot = stored - 1
	}
	return slot, slot >= 0 && slot < stored
}

// Attend adds softmax(q k^T / sqrt(h)) v to y, for one row and head over n positions; q, y and each of the keys and values (h).
func Attend[F Float](y []float64, q []F, n int, key, value func(i int) []F) {
	scores, top := make([]float64, n), math.Inf(-1)
	for i := range scores {
		scores[i] = Dot(q, key(i)) / math.Sqrt(float64(len(q)))
		top = max(top, scores[i])
	}
	var sum float64
	for i, score := range scores {
		scores[i] = math.Exp(score - top)
		sum += scores[i]
	}
	for i, score := range scores {
		for j, v := range value(i) {
			y[j] += score / sum * float64(v)
		}
	}
}

// RopeAngle returns cosine and sine of position / base^(2 pair / headDim), by which a head's pair of neighbours is turned.
func RopeAngle(position, pair, headDim int, base float64) (cos, sin float64) {
	sin, cos = math.Sincos(float64(position) * math.Pow(base, -2*float64(pair)/float64(headDim)))
	return cos, sin
}

// Turn turns pair i of x, elements 2i and 2i+1, by an angle.
func Turn(x []float64, i int, cos, sin float64) { turn(x, 2*i, 2*i+1, cos, sin) }

// TurnHalves turns pair i of x, its elements of that number in either half, by an angle.
func TurnHalves(x []float64, i int, cos, sin float64) { turn(x, i, i+len(x)/2, cos, sin) }

func turn(x []float64, i, j int, cos, sin float64) {
	x[i], x[j] = x[i]*cos-x[j]*sin, x[j]*cos+x[i]*sin
}
