package trace

import (
	"fmt"
	"math"
	"slices"
)

// The layout of latent paths: one token a row, two components a panel.
const (
	orbitPanel = 262.0 // side of a panel's field
	orbitLeft  = 74.0
	orbitPitch = 322.0 // from one panel to the next
	orbitRow   = 342.0
	orbitTop   = 62.0 // below the colour bar
	orbitsShow = 3    // tokens of a picture unless told which
)

// orbits draws the latent paths of tokens in pairs of principal components.
func (t *Trace) orbits() picture {
	steps := max(t.longest(), 1)
	var c canvas
	var ticks []tick
	for k := 0; k < steps; k = max(2*k, 1) {
		if stepShare(k, steps) < 0.93 {
			ticks = append(ticks, tick{stepShare(k, steps), fmt.Sprint(k)})
		}
	}
	ticks = append(ticks, tick{1, fmt.Sprint(steps)})
	c.bar(orbitLeft, 18, 380, ticks, "core step, logarithmic: violet is the initial state, yellow the last step")
	x := orbitLeft + 420
	c.start(x, 24)
	c.text(x+12, 28, "small", "initial state")
	c.finish(x+100, 24)
	c.text(x+112, 28, "small", "last state")
	c.dot(x+190, 24, 3)
	c.text(x+200, 28, "small", "exit, where steps after it were traced")
	parts := []part{{orbitTop, c.String()}}
	for _, i := range t.telling() {
		parts = append(parts, t.orbitRow(i, steps))
	}
	return picture{
		id: "orbits", title: "Latent paths", parts: parts, attrs: fmt.Sprintf(`data-most="%d"`, steps),
		caption: "The way of a token's latent state, seen along principal components of all states (PC1 has the largest share of their variance). " +
			"Each panel has a scale of its own, the same for both axes. A path that ends in a point has settled; one that circles has found an orbit.",
	}
}

// stepShare is where core step k is on the scale of colours.
func stepShare(k, steps int) float64 { return math.Log1p(float64(k)) / math.Log1p(float64(steps)) }

// telling picks tokens whose paths say most: the last of the prompt, where the answer begins, and those that took longest.
func (t *Trace) telling() []int {
	prompt, answer := []int{}, []int{}
	for i, tok := range t.Tokens {
		if tok.Prompt {
			prompt = append(prompt, i)
		} else {
			answer = append(answer, i)
		}
	}
	longest := func(list []int) []int {
		slices.SortStableFunc(list, func(a, b int) int { return t.Tokens[b].Steps - t.Tokens[a].Steps })
		return list
	}
	slices.Reverse(prompt)
	last := min(len(prompt), 1)
	order := append(prompt[:last:last], append(longest(answer), longest(prompt[last:])...)...)
	return order[:min(len(order), orbitsShow)]
}

// orbitRow draws the panels of one token.
func (t *Trace) orbitRow(i, steps int) part {
	tok := t.Tokens[i]
	var c canvas
	c.text(orbitLeft, 14, "mono", fmt.Sprintf("pos %d, %s: %s", tok.Pos, count(tok.Steps, "core step"), cut(tok.label(), 60)))
	for p := 0; 2*p+1 < len(t.Explained); p++ {
		t.orbitPanel(&c, orbitLeft+orbitPitch*float64(p), 24, tok.components(), tok.Steps, 2*p, steps)
	}
	return part{orbitRow, c.String()}
}

// orbitPanel draws components a and a+1 of a path.
func (t *Trace) orbitPanel(c *canvas, x, y float64, path [][]Real, exit, a, steps int) {
	at, lows, highs := square(path, a, x, y)
	c.rect(x, y, orbitPanel, orbitPanel, `class="field"`)
	for axis := range 2 {
		for _, v := range niceTicks(lows[axis], highs[axis], 5) {
			at := orbitPanel * (v - lows[axis]) / (highs[axis] - lows[axis])
			text := short(v, highs[axis]-lows[axis])
			if axis == 0 {
				c.line(x+at, y, x+at, y+orbitPanel, "grid")
				c.text(x+at, y+orbitPanel+13, "small mid", text)
			} else {
				c.line(x, y+orbitPanel-at, x+orbitPanel, y+orbitPanel-at, "grid")
				c.text(x-5, y+orbitPanel-at+4, "small end", text)
			}
		}
	}
	c.text(x+orbitPanel/2, y+orbitPanel+28, "small mid", t.component(a))
	c.upright(x-42, y+orbitPanel/2, "small mid", t.component(a+1))
	points := at(path)
	c.polyline(points, `class="way"`)
	var numbered [][2]float64
	for k, p := range points {
		if !near(p, numbered) {
			numbered = append(numbered, p)
			c.text(p[0]+5, p[1]-5, "small", fmt.Sprint(k))
		}
		if k == 0 || p != points[k-1] {
			fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="3.2" fill="%s" class="point"><title>core step %d</title></circle>`, n(p[0]), n(p[1]),
				Ramp(stepShare(k, steps)), k)
		}
	}
	c.WriteString("\n")
	c.start(points[0][0], points[0][1])
	if exit > 0 && exit < len(points)-1 {
		c.dot(points[exit][0], points[exit][1], 3)
	}
	last := points[len(points)-1]
	c.finish(last[0], last[1])
}

// near tells whether a point's number would be written over that of another.
func near(p [2]float64, others [][2]float64) bool {
	return slices.ContainsFunc(others, func(o [2]float64) bool { return math.Abs(p[0]-o[0]) < 16 && math.Abs(p[1]-o[1]) < 13 })
}

// component names an axis.
func (t *Trace) component(a int) string {
	return fmt.Sprintf("PC%d (%.1f %% of the variance)", a+1, 100*float64(t.Explained[a]))
}

// square maps two components of paths into a panel, both at the same scale and with some room around.
func square(path [][]Real, a int, x, y float64) (at func(path [][]Real) [][2]float64, lows, highs [2]float64) {
	var middle [2]float64
	half := 0.0
	for axis := range 2 {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range path {
			if v := p[a+axis]; v.finite() {
				low, high = min(low, float64(v)), max(high, float64(v))
			}
		}
		if low > high {
			low, high = 0, 0
		}
		middle[axis] = (low + high) / 2
		half = max(half, (high-low)/2)
	}
	if half == 0 {
		half = 1
	}
	half *= 1.12
	for axis := range 2 {
		lows[axis], highs[axis] = middle[axis]-half, middle[axis]+half
	}
	at = func(path [][]Real) (points [][2]float64) {
		for _, p := range path {
			u, v := float64(p[a]), float64(p[a+1])
			if !p[a].finite() || !p[a+1].finite() {
				u, v = middle[0], middle[1]
			}
			points = append(points, [2]float64{x + orbitPanel*(u-lows[0])/(2*half), y + orbitPanel*(highs[1]-v)/(2*half)})
		}
		return points
	}
	return at, lows, highs
}

// start is a ring, finish a cross.
func (c *canvas) start(x, y float64) {
	fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="6" class="start"/>`+"\n", n(x), n(y))
}

func (c *canvas) finish(x, y float64) {
	fmt.Fprintf(c, `<path d="M%s %sl10 10m0 -10l-10 10" class="finish"/>`+"\n", n(x-5), n(y-5))
}
