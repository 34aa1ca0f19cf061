package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/stat"

	"muninn/cmd/muninn/cli"
)

// header says what this is and what it runs on.
func (d *demoScreen) header(rep *demoReport) {
	d.title("muninn demo: a language model that thinks in steps of its core block")
	label := func(name, text string) {
		d.paragraph(fmt.Sprintf("%s%-8s", indent, name), indent+strings.Repeat(" ", 8), text)
	}
	label("device", rep.Device)
	label("driver", rep.Driver)
	if rep.Software {
		label("", "software: it computes on the CPU, no GPU is in use")
	}
	label("model", fmt.Sprintf("%.2f million parameters, %s on the device", float64(rep.Parameters)/1e6, cli.Size(rep.Bytes)))
	label("", rep.Config)
	label("seed", fmt.Sprintf("%d; --seed random draws other problems", rep.Seed))
	d.print("")
	d.paragraph(indent, indent, "For every token, the model runs its core block num_steps times over a latent state before it says anything. "+
		"This one is trained to follow one definition with each step.")

	p := rep.problem
	d.heading("1. One problem, answered at five depths")
	d.print("")
	d.definitions(rep)
	chain := strings.Join(strings.Split(string(p.Asked)+rep.Problem.Chain, ""), " = ")
	d.paragraph(indent, indent, fmt.Sprintf("%c stands %d definitions away from its value: %s", p.Asked, p.Hops, chain))
	d.print("")
}

// definitions prints the problem, with what matters to the question in bold.
func (d *demoScreen) definitions(rep *demoReport) {
	onChain := string(rep.problem.Asked) + rep.Problem.Chain
	line, used := indent, len(indent)
	for _, x := range rep.problem.Definitions {
		if used += len(x.String()); used+2 >= d.width { // with the question
			d.print(line)
			line, used = indent, len(indent)+len(x.String())
		}
		if strings.IndexByte(onChain, x.Name) >= 0 {
			line += d.style(cli.Bold, x.String())
		} else {
			line += d.style(cli.Dim, x.String())
		}
	}
	d.print(line + d.style(cli.Bold, rep.problem.Question()))
}

// columns draws the answers of all depths as they are after a round. A pipe gets the last state only.
func (d *demoScreen) columns(ctx context.Context, threads []*thread, round int, last bool) error {
	const width = 9
	if !d.live && !last {
		return ctx.Err()
	}
	longest := demoHops + 1 // lines of the whole chain, so that the table does not grow
	for _, t := range threads {
		longest = max(longest, len(t.said))
	}
	lines := []line{lineOf("num_steps", threads, func(t *thread) cell { return cell{fmt.Sprint(t.steps), cli.Bold} })}
	for i := range longest {
		lines = append(lines, lineOf("", threads, func(t *thread) cell { return columnCell(t, i) }))
	}
	lines[1].label = "says"
	lines = append(lines, lineOf("core steps", threads, func(t *thread) cell {
		if t.done {
			return cell{text: fmt.Sprint(len(t.said) * t.steps)}
		}
		return cell{text: fmt.Sprint(round)}
	}), lineOf("answer", threads, func(t *thread) cell {
		switch {
		case !t.done:
			return cell{}
		case t.answer().Right:
			return cell{"right", cli.Green}
		}
		return cell{"wrong", cli.Red}
	}))
	d.redraw(d.table(width, lines...))
	if last {
		return nil
	}
	return d.pause(ctx)
}

// columnCell is the i-th token of an answer; a mark stands where the next one is being thought out.
func columnCell(t *thread, i int) cell {
	switch {
	case i < len(t.said):
		c := cell{text: t.said[i]}
		if strings.HasSuffix(c.text, ";") {
			c.sgr = shade(1)
		}
		return c
	case i == len(t.said) && !t.done:
		return cell{"..", cli.Dim}
	}
	return cell{}
}

// answered says what the columns have shown.
func (d *demoScreen) answered(rep *demoReport) {
	first, last := rep.Answers[0], rep.Answers[len(rep.Answers)-1]
	right := 0
	for _, a := range rep.Answers {
		if a.Right {
			right++
		}
	}
	text := fmt.Sprintf("%d of %d depths come to the right value.", right, len(rep.Answers))
	if right == len(rep.Answers) && len(last.Tokens) < len(first.Tokens) {
		text = fmt.Sprintf("All come to the same value. At num_steps %d the chain is spelled out in %s; at %d it is followed "+
			"in the latent state, and %s is enough.", first.Steps, cli.Plural(len(first.Tokens), "token"), last.Steps, cli.Plural(len(last.Tokens), "token"))
	}
	d.print("")
	d.paragraph(indent, indent, text)
}

// insideTable shows the thought at the question, step by step.
func (d *demoScreen) insideTable(rep *demoReport) {
	const width = 6
	value := string(rep.problem.Value()) + ";"
	d.heading("2. The same thought from inside")
	d.print("")
	d.paragraph(indent, indent, "What the model would say at the question after each core step, and how far that step moved its state, "+
		"||s(t) - s(t-1)|| / ||s(t)||:")
	d.print("")
	d.print(d.table(width,
		lineOf("core step", rep.Inside, func(x insideStep) cell { return cell{fmt.Sprint(x.Step), cli.Bold} }),
		lineOf("says", rep.Inside, func(x insideStep) cell {
			if x.Says == value {
				return cell{x.Says, shade(1)}
			}
			return cell{text: x.Says}
		}),
		lineOf("change", rep.Inside, func(x insideStep) cell { return cell{fmt.Sprintf("%.3f", x.Change), changeShade(x.Change)} }))...)
	d.print("")
	d.paragraph(indent, indent, insideText(rep, value))
}

// atRest is the relative change of a state that has all but stopped.
const atRest = 0.1

// changeShade is the colour of a relative change, 0 to 2: none at rest, never that of all.
func changeShade(change float64) string {
	if change < atRest {
		return ""
	}
	return shade(min(change/2, 0.99))
}

// insideText says when the value was there and whether the state came to rest, as far as it did.
func insideText(rep *demoReport, value string) string {
	at := len(rep.Inside)
	for at > 0 && rep.Inside[at-1].Says == value {
		at--
	}
	if at == len(rep.Inside) {
		return fmt.Sprintf("The value is not there after %d steps.", len(rep.Inside))
	}
	text := fmt.Sprintf("The value is there after step %d and stays.", rep.Inside[at].Step)
	if end := rep.Inside[len(rep.Inside)-1].Change; end < atRest {
		text += " Until then the state turns with every definition; from then on it comes to rest, and more steps change nothing."
	}
	return text
}

// accuracyTables shows shares and token counts by depth and chain length.
func (d *demoScreen) accuracyTables(rep *demoReport) {
	const width = 7
	a := rep.Accuracy
	table := func(title string, shares [][]float64, entry func(float64) cell) {
		d.print("")
		d.paragraph(indent, indent, title)
		rows := []line{lineOf("hops", a.Hops, func(h int) cell { return cell{fmt.Sprint(h), cli.Bold} })}
		for i, steps := range a.Steps {
			rows = append(rows, lineOf(fmt.Sprintf("num_steps %2d", steps), shares[i], entry))
		}
		d.print(d.table(width, rows...)...)
	}
	d.heading("3. %s for each chain length, at each depth", cli.Plural(a.Problems, "fresh problem"))
	table("Answered at once: share whose first token is the value, in %", a.AtOnce, func(share float64) cell {
		return cell{percent(share), shade(share)}
	})
	table("Tokens until the value, on average", a.Tokens, func(n float64) cell {
		return cell{fmt.Sprintf("%.1f", n), shade(math.Min(1/n, 1))}
	})
	d.print("")
	d.paragraph(indent, indent, accuracyText(a))
}

// accuracyText sums the tables up. A chain of h hops is h + 1 definitions long.
func accuracyText(a accuracy) string {
	var enough, few, right []float64
	for i, steps := range a.Steps {
		for h, hops := range a.Hops {
			right = append(right, a.Right[i][h])
			if steps > hops {
				enough = append(enough, a.AtOnce[i][h])
			} else {
				few = append(few, a.AtOnce[i][h])
			}
		}
	}
	return fmt.Sprintf("With a core step for each definition (num_steps = hops + 1 or more), %s of the answers come at once; with fewer steps, "+
		"%s. In the end %s are right, in fewer tokens the deeper the model thinks.", average(enough), average(few), average(right))
}

// average is that of shares as a percentage, rounded down to a tenth, that says 100 only for all.
func average(shares []float64) string {
	tenths := math.Floor(stat.Mean(shares, nil)*1000 + 1e-6) // shares are sums of rounded fractions
	if tenths == 0 || tenths == 1000 {
		return fmt.Sprintf("%.0f %%", tenths/10)
	}
	return fmt.Sprintf("%.1f %%", tenths/10)
}

// end says how to go on and what the demo took.
func (d *demoScreen) end(rep *demoReport) {
	d.heading("Go on")
	d.print(fmt.Sprintf("%s%s run demo -r 2 --stop %q %q", indent, cli.Called(), ";", rep.Problem.Text))
	d.print(indent + cli.Called() + " demo --page")
	d.print(indent+cli.Called()+" help", "")
	d.paragraph("", "", fmt.Sprintf("%.1f s, %d prompt tokens, %d tokens said, %d core steps, on %s",
		rep.Seconds, rep.PromptTokens, rep.Tokens, rep.CoreSteps, rep.Device))
}
