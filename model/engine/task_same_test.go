package engine_test

import (
	"fmt"
	"math"
	"muninn/model/decode"
	"slices"
)

// sameOutcome tells how what came of a task differs from what it is to come to.
func sameOutcome(a, want *decode.Task, saw, wanted *watched) string {
	if a.Taken != want.Taken || a.Passes != want.Passes || a.RowSteps != want.RowSteps || !slices.Equal(saw.steps, wanted.steps) {
		return fmt.Sprintf("%d steps taken, %d in all, checks after %v with %v; the reference %d, %d, after %v with %v",
			a.Taken, a.RowSteps, saw.steps, saw.values, want.Taken, want.RowSteps, wanted.steps, wanted.values)
	}
	for i, v := range saw.values {
		if w := wanted.values[i]; !near(v, w) {
			return fmt.Sprintf("the value after step %d is %g, in the reference %g", saw.steps[i], v, w)
		}
	}
	if len(saw.logits) != len(wanted.logits) {
		return fmt.Sprintf("%d rows of logits, in the reference %d", len(saw.logits), len(wanted.logits))
	}
	for i, row := range saw.logits {
		for j, v := range row {
			if w := wanted.logits[i][j]; !(math.Abs(float64(v-w)) <= limit) {
				return fmt.Sprintf("logit %d of output %d is %g, in the reference %g", j, i, v, w)
			}
		}
	}
	if len(a.Changes) != len(want.Changes) || len(a.Choices) != len(want.Choices) {
		return fmt.Sprintf("%d changes and %d choices, in the reference %d and %d", len(a.Changes), len(a.Choices), len(want.Changes), len(want.Choices))
	}
	for i, v := range a.Changes {
		if w := want.Changes[i]; !near(float64(v), float64(w)) {
			return fmt.Sprintf("change %d is %g, in the reference %g", i, v, w)
		}
	}
	for i, c := range a.Choices {
		w := want.Choices[i]
		if w.Margin > 2*limit && c.Token != w.Token || c.Pos != w.Pos || c.Steps != w.Steps || !(math.Abs(float64(c.LogProb-w.LogProb)) <= 2*limit) {
			return fmt.Sprintf("choice %d is %+v, in the reference %+v", i, c, w)
		}
		if diff := sameTop(c, w); diff != "" {
			return fmt.Sprintf("of choice %d %s", i, diff)
		}
	}
	for i, l := range a.LogProbs {
		if !(math.Abs(float64(l-want.LogProbs[i])) <= 2*limit) {
			return fmt.Sprintf("log probability %d is %g, in the reference %g", i, l, want.LogProbs[i])
		}
	}
	return ""
}

// sameTop tells how the likeliest tokens of a choice differ from those of the reference; its own among them has its own float.
func sameTop(c, want decode.Choice) string {
	if len(c.Top) != len(want.Top) {
		return fmt.Sprintf("%d likeliest tokens, in the reference %d", len(c.Top), len(want.Top))
	}
	for i, l := range c.Top {
		w := want.Top[i]
		if l.Token == c.Token && l.LogProb != c.LogProb || !(math.Abs(float64(l.LogProb-w.LogProb)) <= 2*limit) ||
			l.Token != w.Token && (i == 0 || want.Top[i-1].LogProb-w.LogProb > 4*limit) && (i+1 == len(c.Top) || w.LogProb-want.Top[i+1].LogProb > 4*limit) && i+1 < len(c.Top) {
			return fmt.Sprintf("likeliest token %d is %+v of %+v, in the reference %+v", i, l, c, w)
		}
	}
	return ""
}

// near compares measures of states, sums of float32 differences of nearly equal values: within a thousandth, or 1e-4 of what states
// are of.
func near(v, w float64) bool { return math.Abs(v-w) <= max(1e-3*math.Abs(w), 1e-4) }
