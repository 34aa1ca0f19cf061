package trace

import (
	"fmt"
	"html"
	"slices"

	"github.com/rivo/uniseg"
	"gonum.org/v1/gonum/stat"
)

// Bars of steps a token.
const (
	barLeft   = 60.0
	barRight  = 980.0
	barHeight = 90.0
	barLabel  = 12 // columns of the token below its bar
	minBar    = 19.0
	barLines  = 3 // lines of bars that have labels
)

// stepsDiffer tells whether not all tokens took the same number of core steps.
func (t *Trace) stepsDiffer() bool {
	return slices.ContainsFunc(t.Tokens, func(tok Token) bool { return tok.Steps != t.Tokens[0].Steps })
}

// measure is a number of core steps for each token, and what it says. Where all took the same, that is from which on the
// likeliest next token stayed; nil when that is not known either.
func (t *Trace) measure() (title, says string, steps []int) {
	title, says = "Core steps of each token", "core steps until the exit"
	if t.stepsDiffer() {
		for _, tok := range t.Tokens {
			steps = append(steps, tok.Steps)
		}
		return title, says, steps
	}
	if len(t.Tokens) == 0 || !t.predicted() {
		return title, says, nil
	}
	for _, tok := range t.Tokens {
		steps = append(steps, tok.decided())
	}
	return "Core steps until the prediction stays",
		fmt.Sprintf("core step from which the likeliest next token is the last one's (each token took %d)", t.Tokens[0].Steps), steps
}

// decided is the core step from which on the likeliest next token is the same as at the exit.
func (t Token) decided() int {
	k := t.Steps
	for k > 1 && len(t.Path[k-2].Top) > 0 && len(t.Path[t.Steps-1].Top) > 0 && t.Path[k-2].Top[0].ID == t.Path[t.Steps-1].Top[0].ID {
		k--
	}
	return k
}

// stepBars draws the measure of each token, in lines like a text.
func (t *Trace) stepBars() picture {
	title, says, steps := t.measure()
	slot := min(max((barRight-barLeft)/float64(len(steps)), minBar), 44)
	labels := int((barRight-barLeft)/slot)*barLines >= len(steps)
	if !labels {
		slot = barLines * (barRight - barLeft) / float64(len(steps)+barLines)
	}
	line := max(int((barRight-barLeft)/slot), 1)
	p := picture{id: "steps", title: title}
	for from := 0; from < len(steps); from += line {
		p.parts = append(p.parts, t.barLine(steps, from, min(from+line, len(steps)), slot, labels))
	}
	mean, kinds := t.meanByKind(steps)
	p.caption = fmt.Sprintf("The %s; %.1f on average of %s; the colour repeats the height. %s", says, mean, count(len(steps), "token"), kinds)
	return p
}

// barLine draws the bars of some tokens.
func (t *Trace) barLine(steps []int, from, to int, slot float64, labels bool) part {
	var c canvas
	most := max(t.MaxSteps, t.longest(), 1)
	base, longest := 8+barHeight, 0
	width := slot * float64(to-from)
	for _, k := range countTicks(0, most, 4) {
		at := base - (barHeight-16)*float64(k)/float64(most)
		c.line(barLeft, at, barLeft+width, at, "grid")
		c.text(barLeft-6, at+4, "small end", fmt.Sprint(k))
	}
	c.upright(18, base-barHeight/2+8, "small mid", "core steps")
	for i := from; i < to; i++ {
		tok, share := t.Tokens[i], float64(steps[i])/float64(most)
		x, h := barLeft+slot*float64(i-from), (barHeight-16)*share
		fmt.Fprintf(&c, `<g data-token="%d"><title>%s</title>`, i, html.EscapeString(count(steps[i], "core step")+": "+tok.label()))
		c.rect(x+slot*0.08, base-h, slot*0.84, max(h, 0.5), fmt.Sprintf(`fill="%s" class="bar"`, Ramp(share)))
		if labels {
			label := cut(tok.label(), barLabel)
			longest = max(longest, uniseg.StringWidth(label))
			c.text(x+slot/2, base-h-4, "small mid", fmt.Sprint(steps[i]))
			c.upright(x+slot/2+4, base+6, "mono end"+tok.kind(), label)
		}
		c.WriteString("</g>\n")
	}
	c.line(barLeft, base, barLeft+width, base, "axis")
	if !labels {
		c.text(barLeft, base+14, "small", fmt.Sprintf("positions %d to %d", t.Tokens[from].Pos, t.Tokens[to-1].Pos))
	}
	return part{base + 24 + 6.7*float64(longest), c.String()}
}

// meanByKind is the mean of all steps, and tells prompt from answer where there are both: exits are usually for the answer only.
func (t *Trace) meanByKind(steps []int) (mean float64, says string) {
	var all, prompt, answer []float64
	for i, tok := range t.Tokens {
		k := float64(steps[i])
		if all = append(all, k); tok.Prompt {
			prompt = append(prompt, k)
		} else {
			answer = append(answer, k)
		}
	}
	if len(prompt) > 0 && len(answer) > 0 {
		says = fmt.Sprintf("Generated tokens: %.1f, those of the prompt (italic): %.1f.", stat.Mean(answer, nil), stat.Mean(prompt, nil))
	}
	return stat.Mean(all, nil), says
}
