package trace

import "fmt"

// The layout of path independence: distances on the left, paths on the right.
const (
	startsTop    = 20.0
	startsLeft   = 70.0
	startsWidth  = 540.0
	startsHeight = 280.0
	startsPaths  = 712.0 // left edge of the panel of paths
)

// pathIndependence draws how the paths of one token from several initial states come together.
func (t *Trace) pathIndependence() picture {
	s := t.Starts
	var c canvas
	all := append([]Real(nil), s.Spread...)
	steps := 0
	for _, p := range s.Paths {
		all = append(all, p.Distance...)
		steps = max(steps, len(p.Distance)-1)
	}
	scale := newLogScale(all).whole()
	bottom := startsTop + startsHeight
	at := func(k int, r Real) [2]float64 {
		return [2]float64{startsLeft + startsWidth*float64(k)/float64(max(steps, 1)), bottom - startsHeight*scale.at(r)}
	}
	c.rect(startsLeft, startsTop, startsWidth, startsHeight, `class="field"`)
	for _, k := range countTicks(0, max(steps, 1), 14) {
		x := at(k, 0)[0]
		c.line(x, startsTop, x, bottom, "grid")
		c.text(x, bottom+14, "small mid", fmt.Sprint(k))
	}
	for _, tk := range scale.ticks() {
		y := bottom - startsHeight*tk.at
		c.line(startsLeft, y, startsLeft+startsWidth, y, "grid")
		c.text(startsLeft-6, y+4, "small end", tk.text)
	}
	c.text(startsLeft+startsWidth/2, bottom+30, "small mid", "core steps taken")
	c.upright(22, startsTop+startsHeight/2, "small mid", "relative distance, logarithmic")
	curve := func(list []Real, attrs string) {
		var points [][2]float64
		for k, r := range list {
			if r.finite() {
				points = append(points, at(k, r))
			}
		}
		c.polyline(points, attrs)
	}
	for i, p := range s.Paths {
		curve(p.Distance, line(i, len(s.Paths)))
	}
	curve(s.Spread, `class="mean"`)

	y := bottom + 52
	c.line(startsLeft, y-4, startsLeft+36, y-4, "mean")
	c.text(startsLeft+44, y, "small", "between two paths, mean of all pairs: norm(a − b) over the mean of norm(a) and norm(b)")
	y += 20
	c.text(startsLeft, y, "small", "thin: from a path to the mean m of all paths' last states, norm(s − m) / norm(m); by seed of the initial state:")
	for i, p := range s.Paths {
		if i%5 == 0 {
			y += 18
		}
		x := startsLeft + 180*float64(i%5)
		c.polyline([][2]float64{{x, y - 4}, {x + 36, y - 4}}, line(i, len(s.Paths)))
		c.text(x+44, y, "small", cut(fmt.Sprintf("seed %d", p.Seed), 19))
	}
	t.startPaths(&c)
	return picture{
		id: "starts", title: "Path independence", parts: []part{{y + 10, c.String()}},
		caption: fmt.Sprintf("The token at position %d from %d initial states: where the lines fall, the paths meet, wherever they began. Token: %s",
			t.Tokens[s.Token].Pos, len(s.Paths), cut(t.Tokens[s.Token].label(), 30)),
	}
}

// line is how the i-th of n paths is drawn.
func line(i, n int) string {
	return fmt.Sprintf(`fill="none" stroke-width="1.8" stroke="%s" stroke-dasharray="%s"`, lineColour(i, n), dashes[i%len(dashes)])
}

// startPaths draws the first two components of the paths.
func (t *Trace) startPaths(c *canvas) {
	var all [][]Real
	for _, p := range t.Starts.Paths {
		all = append(all, p.Components...)
	}
	if len(all) == 0 || len(t.Explained) < 2 {
		return
	}
	at, _, _ := square(all, 0, startsPaths, startsTop)
	c.rect(startsPaths, startsTop, orbitPanel, orbitPanel, `class="field"`)
	for i, p := range t.Starts.Paths {
		points := at(p.Components)
		if len(points) == 0 {
			continue
		}
		c.polyline(points, line(i, len(t.Starts.Paths)))
		c.start(points[0][0], points[0][1])
		c.finish(points[len(points)-1][0], points[len(points)-1][1])
	}
	c.text(startsPaths+orbitPanel/2, startsTop+orbitPanel+16, "small mid", t.component(0))
	c.upright(startsPaths-10, startsTop+orbitPanel/2, "small mid", t.component(1))
	c.text(startsPaths, startsTop+orbitPanel+34, "small", "the same paths; ring: initial state, cross: last")
}
