package trace

import (
	"fmt"
	"math"
	"slices"
)

// The layout of what the model would say.
const (
	saysColumns = 16 // core steps that are drawn at most
	saysRows    = 80 // tokens that are drawn at most
	saysBefore  = 16 // of them, those of the prompt before an answer
)

// says draws the likeliest next token after core steps of each token, on the colour of the entropy of all next tokens.
func (t *Trace) says() picture {
	r := table{height: rowHeight, columns: spaced(t.longest(), saysColumns), taken: t.stepsDiffer()}
	r.first, r.last = t.window(saysRows)
	r.cell = min((heatRight-heatLeft)/float64(max(len(r.columns), 1)), 2*maxCell)
	most := 0.0
	for _, tok := range t.Tokens[r.first:r.last] {
		for _, s := range tok.Path {
			if s.Entropy.finite() {
				most = max(most, float64(s.Entropy))
			}
		}
	}
	most = max(most, 1e-3)
	var ticks []tick
	for _, v := range niceTicks(0, most, 6) {
		ticks = append(ticks, tick{v / most, short(v, most)})
	}
	var c canvas
	c.bar(heatLeft, 24, 380, ticks, "entropy of the next token, nats: yellow is open, violet is sure")
	c.rect(660, 23, 14, 14, fmt.Sprintf(`fill="%s"`, Ramp(0.35)))
	c.rect(660.8, 23.8, 12.4, 12.4, `class="exit"`)
	c.text(680, 34, "small", "where the exit was, or the nearest step drawn")

	chars := int((r.cell - 4) / 6.7)
	r.draw = func(c *canvas, y float64, tok Token) {
		for i, k := range r.columns {
			if k > len(tok.Path) || len(tok.Path[k-1].Top) == 0 {
				break
			}
			s, x := tok.Path[k-1], heatLeft+r.cell*float64(i)
			share, class := float64(s.Entropy)/most, "mono bright"
			if share > 0.5 {
				class = "mono deep"
			}
			c.rect(x, y, r.cell-0.5, r.height-1, fmt.Sprintf(`fill="%s" data-step="%d"`, Ramp(share), k))
			c.text(x+2.5, y+11.5, class, cut(s.Top[0].label(), chars))
		}
	}
	r.mark = func(c *canvas, y float64, tok Token) {
		i := 0
		for i+1 < len(r.columns) && r.columns[i] < tok.Steps && r.columns[i+1] <= len(tok.Path) {
			i++
		}
		c.rect(heatLeft+r.cell*float64(i)+0.8, y+0.8, r.cell-2.1, r.height-2.6, `class="exit"`)
	}
	caption := "Each row is a token, each column a core step; the cell holds the token that coda and head hold to be the likeliest next one after that step."
	if n := t.longest(); n > len(r.columns) {
		caption += fmt.Sprintf(" %d of %d core steps are drawn.", len(r.columns), n)
	}
	if r.last-r.first < len(t.Tokens) {
		caption += fmt.Sprintf(" %d of %d tokens are drawn, from position %d on.", r.last-r.first, len(t.Tokens), t.Tokens[r.first].Pos)
	}
	return picture{id: "says", title: "What the model would say", caption: caption, parts: append([]part{{58, c.String()}}, t.rows(r)...)}
}

// window is at most so many tokens, without the last: around the beginning of the answer, where there are more.
func (t *Trace) window(most int) (first, last int) {
	if len(t.Tokens) <= most {
		return 0, len(t.Tokens)
	}
	for first < len(t.Tokens) && t.Tokens[first].Prompt {
		first++
	}
	first = min(max(first-saysBefore, 0), len(t.Tokens)-most)
	return first, first + most
}

// spaced is at most so many of the numbers from 1 to n, the last among them, farther apart the larger they are.
func spaced(n, most int) []int {
	var list []int
	for at := 0; at < n; {
		left := float64(max(most-len(list), 1))
		next := float64(max(at, 1)) * math.Pow(float64(n)/float64(max(at, 1)), 1/left)
		at = min(max(int(math.Round(next)), at+1), n)
		list = append(list, at)
	}
	return list
}

// predicted tells whether there were logits.
func (t *Trace) predicted() bool {
	return slices.ContainsFunc(t.Tokens, func(tok Token) bool {
		return slices.ContainsFunc(tok.Path, func(s Step) bool { return len(s.Top) > 0 })
	})
}
