package trace

import "fmt"

// The heat map's layout.
const (
	heatLeft   = 216.0 // left edge of the cells
	heatRight  = 944.0 // right edge at most; the count of steps stands behind
	rowHeight  = 16.0
	blockRows  = 40 // tokens below one axis, so that one is in sight wherever a long picture is scrolled to
	maxColumns = 240
	maxCell    = 44.0
	heatTicks  = 22 // numbers on the axis of core steps
)

// heatMap draws tokens by core steps, coloured by the residual.
func (t *Trace) heatMap() picture {
	steps := t.longest()
	stride := max((steps+maxColumns-1)/maxColumns, 1)
	cell := min((heatRight-heatLeft)/float64(max((steps+stride-1)/stride, 1)), maxCell)
	var all []Real
	for _, tok := range t.Tokens {
		for _, s := range tok.Path {
			all = append(all, s.Residual)
		}
	}
	scale := newLogScale(all)

	var c canvas
	c.bar(heatLeft, 24, 380, scale.ticks(), "residual norm(s − s′) / norm(s) of a core step, logarithmic: yellow still moves, violet has settled")
	c.rect(660, 23, 14, 14, fmt.Sprintf(`fill="%s"`, Ramp(0.35)))
	c.dot(667, 30)
	c.text(680, 34, "small", "last step before the exit")
	c.text(660, 54, "small", "italic: token of the prompt")
	y := 74.0
	for from := 0; from < len(t.Tokens); from += blockRows {
		y = t.heatBlock(&c, y, from, min(from+blockRows, len(t.Tokens)), cell, stride, scale) + 22
	}
	caption := "Each row is a token, each column a core step; the colour is how far the step moved the token's latent state, relative to its length."
	if stride > 1 {
		caption += fmt.Sprintf(" One of every %d core steps is drawn.", stride)
	}
	return picture{
		id: "heatmap", title: "Convergence", caption: caption, height: max(y-22, 74), body: c.String(),
		attrs: fmt.Sprintf(`data-stride="%d"`, stride),
	}
}

// heatBlock draws some rows and the axis above them; it gives the y below them.
func (t *Trace) heatBlock(c *canvas, y float64, from, to int, cell float64, stride int, scale logScale) float64 {
	steps := 0
	for _, tok := range t.Tokens[from:to] {
		steps = max(steps, len(tok.Path))
	}
	columns := (steps + stride - 1) / stride
	width := cell * float64(max(columns, 1))
	c.text(36, y+22, "small end", "pos")
	c.text(46, y+22, "small", "token")
	if width > 120 {
		c.text(heatLeft+width/2, y+6, "small mid", "core step")
	} else {
		c.text(heatLeft, y+6, "small", "core step")
	}
	for _, k := range countTicks(1, t.longest(), heatTicks) {
		column := (k - 1) / stride
		if column < columns {
			x := heatLeft + cell*(float64(column)+0.5)
			c.text(x, y+22, "small mid", fmt.Sprint(k))
		}
	}
	c.text(heatLeft+width+14, y+22, "small", "taken")
	y += 28
	c.rect(heatLeft, y, width, rowHeight*float64(to-from), `class="field"`)
	for i := from; i < to; i++ {
		t.heatRow(c, y+rowHeight*float64(i-from), i, cell, width, stride, scale)
	}
	return y + rowHeight*float64(to-from)
}

// heatRow draws one token. Its group of cells holds nothing else: the page's script counts them.
func (t *Trace) heatRow(c *canvas, y float64, i int, cell, width float64, stride int, scale logScale) {
	tok := t.Tokens[i]
	kind := ""
	if tok.Prompt {
		kind = " prompt"
	}
	c.text(36, y+12, "mono end", fmt.Sprint(tok.Pos))
	c.text(46, y+12, "mono"+kind, cut(tok.label(), 22))
	fmt.Fprintf(c, `<g data-token="%d">`, i)
	for k := 0; k < len(tok.Path); k += stride {
		x := heatLeft + cell*float64(k/stride)
		fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"/>`, n(x), n(y), n(max(cell-0.5, cell*0.9)), n(rowHeight-1),
			Ramp(scale.at(tok.Path[k].Residual)))
	}
	c.WriteString("</g>\n")
	if tok.Steps > 0 && t.exited(tok) {
		c.dot(heatLeft+cell*(float64((tok.Steps-1)/stride)+0.5), y+(rowHeight-1)/2)
	}
	c.text(heatLeft+width+14, y+12, "mono", fmt.Sprint(tok.Steps))
}

// dot is the mark of an exit, to be seen on every colour.
func (c *canvas) dot(x, y float64) {
	fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="3" class="mark"/>`+"\n", n(x), n(y))
}
