package trace

import (
	"fmt"
	"html"
	"strings"

	"github.com/rivo/uniseg"
)

// Bars of steps a token.
const (
	barLeft   = 60.0
	barRight  = 980.0
	barHeight = 90.0
	barLabel  = 12 // columns of the token below its bar
	minBar    = 19.0
)

// stepBars draws the core steps that each token took, in lines like a text.
func (t *Trace) stepBars() picture {
	most := max(t.MaxSteps, t.longest(), 1)
	slot := min(max((barRight-barLeft)/float64(max(len(t.Tokens), 1)), minBar), 44)
	line := max(int((barRight-barLeft)/slot), 1)
	var c canvas
	y, sum := 8.0, 0
	for from := 0; from < len(t.Tokens); from += line {
		part := t.Tokens[from:min(from+line, len(t.Tokens))]
		base, longest := y+barHeight, 0
		for _, k := range countTicks(0, most, 4) {
			at := base - (barHeight-16)*float64(k)/float64(most)
			c.line(barLeft, at, barLeft+slot*float64(len(part)), at, "grid")
			c.text(barLeft-6, at+4, "small end", fmt.Sprint(k))
		}
		c.upright(18, base-barHeight/2+8, "small mid", "core steps")
		for i, tok := range part {
			x, h := barLeft+slot*float64(i), (barHeight-16)*float64(tok.Steps)/float64(most)
			share := float64(tok.Steps) / float64(most)
			kind := ""
			if tok.Prompt {
				kind = " prompt"
			}
			fmt.Fprintf(&c, `<g data-token="%d"><title>%s</title>`, from+i, html.EscapeString(count(tok.Steps, "core step")+": "+tok.label()))
			label := cut(tok.label(), barLabel)
			longest = max(longest, uniseg.StringWidth(label))
			c.rect(x+1.5, base-h, slot-3, max(h, 0.5), fmt.Sprintf(`fill="%s" class="bar"`, Ramp(share)))
			c.text(x+slot/2, base-h-4, "small mid", fmt.Sprint(tok.Steps))
			c.upright(x+slot/2+4, base+6, "mono end"+kind, label)
			c.WriteString("</g>\n")
			sum += tok.Steps
		}
		c.line(barLeft, base, barLeft+slot*float64(len(part)), base, "axis")
		y = base + 24 + 6.7*float64(longest)
	}
	mean := float64(sum) / float64(max(len(t.Tokens), 1))
	return picture{
		id: "steps", title: "Core steps of each token", height: y, body: c.String(),
		caption: fmt.Sprintf("%s for %s, %.1f on average; the colour repeats the height. %s",
			count(sum, "core step"), count(len(t.Tokens), "token"), mean, t.meanByKind()),
	}
}

// meanByKind tells prompt from answer: exits are usually for the answer only.
func (t *Trace) meanByKind() string {
	var steps, count [2]int
	for _, tok := range t.Tokens {
		k := 0
		if tok.Prompt {
			k = 1
		}
		steps[k] += tok.Steps
		count[k]++
	}
	var list []string
	for k, name := range []string{"generated tokens", "tokens of the prompt (italic)"} {
		if count[k] > 0 {
			list = append(list, fmt.Sprintf("%s %.1f", name, float64(steps[k])/float64(count[k])))
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "Mean by kind: " + strings.Join(list, ", ") + "."
}
