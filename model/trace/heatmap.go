package trace

import "fmt"

// The layout of tables whose rows are tokens.
const (
	heatLeft   = 216.0 // left edge of the cells
	heatRight  = 944.0 // right edge at most; the count of steps stands behind
	rowHeight  = 16.0  // of a table that has room
	tallest    = 2400.0
	blockRows  = 40 // rows of full height below one axis: what is in sight at once, or on a sheet of paper
	labelEvery = 12.0
	maxColumns = 240
	maxCell    = 44.0
	heatTicks  = 22 // numbers on the axis of core steps
)

// table is a picture with a row for each of some tokens, in blocks below axes of their own.
type table struct {
	first, last int // tokens, without the last
	height      float64
	cell        float64
	columns     []int        // core step of each
	numbered    map[int]bool // core steps that have their number; nil: all
	taken       bool         // core steps stand behind the rows: they differ
	draw        func(c *canvas, y float64, tok Token)
	mark        func(c *canvas, y float64, tok Token) // the exit
}

// heatMap draws tokens by core steps, coloured by the residual. However many tokens there are, its height is bounded: rows of
// a long text are thin, and every so many have their label.
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
	c.dot(667, 30, 3)
	c.text(680, 34, "small", "last step before the exit")
	c.text(660, 54, "small", "italic: token of the prompt")
	caption := "Each row is a token, each column a core step; the colour is how far the step moved the token's latent state, relative to its length."
	if stride > 1 {
		caption += fmt.Sprintf(" One of every %d core steps is drawn.", stride)
	}
	rows := table{numbered: map[int]bool{}, last: len(t.Tokens), height: min(rowHeight, tallest/float64(max(len(t.Tokens), 1))), cell: cell, taken: t.stepsDiffer()}
	for k := 1; k <= steps; k += stride {
		rows.columns = append(rows.columns, k)
	}
	for _, k := range countTicks(1, steps, heatTicks) {
		rows.numbered[(k-1)/stride*stride+1] = true
	}
	gap := min(1, rows.height/16)
	rows.draw = func(c *canvas, y float64, tok Token) {
		for k := 0; k < len(tok.Path); k += stride {
			c.rect(heatLeft+cell*float64(k/stride), y, max(cell-0.5, cell*0.9), rows.height-gap, fmt.Sprintf(`fill="%s"`, Ramp(scale.at(tok.Path[k].Residual))))
		}
	}
	rows.mark = func(c *canvas, y float64, tok Token) {
		c.dot(heatLeft+cell*(float64((tok.Steps-1)/stride)+0.5), y+(rows.height-gap)/2, min(3, max(rows.height/2, 1)))
	}
	return picture{
		id: "heatmap", title: "Convergence", caption: caption, attrs: fmt.Sprintf(`data-stride="%d"`, stride),
		parts: append([]part{{66, c.String()}}, t.rows(rows)...),
	}
}

// rows draws a table in blocks.
func (t *Trace) rows(r table) []part {
	var parts []part
	every := max(int(labelEvery/r.height+0.999), 1)
	block := max(int(blockRows*rowHeight/r.height), 1)
	for from := r.first; from < r.last; from += block {
		to := min(from+block, r.last)
		var c canvas
		width := r.axis(&c, t.Tokens[from:to])
		const y = 36.0
		c.rect(heatLeft, y, width, r.height*float64(to-from), `class="field"`)
		for i := from; i < to; i++ {
			tok, at := t.Tokens[i], y+r.height*float64(i-from)
			if (i-r.first)%every == 0 {
				base := at + r.height/2 + 4
				c.text(36, base, "mono end", fmt.Sprint(tok.Pos))
				c.text(46, base, "mono"+tok.kind(), cut(tok.label(), 22))
				if r.taken {
					c.text(heatLeft+width+14, base, "mono", fmt.Sprint(tok.Steps))
				}
			}
			fmt.Fprintf(&c, `<g data-token="%d">`, i)
			r.draw(&c, at, tok)
			c.WriteString("</g>\n")
			if tok.Steps > 0 && t.exited(tok) {
				r.mark(&c, at, tok)
			}
		}
		parts = append(parts, part{y + r.height*float64(to-from) + 6, c.String()})
	}
	return parts
}

// axis numbers the core steps that some tokens took, and gives their width.
func (r table) axis(c *canvas, tokens []Token) float64 {
	steps, columns := 0, 0
	for _, tok := range tokens {
		steps = max(steps, len(tok.Path))
	}
	for i, k := range r.columns {
		if k <= steps {
			columns = i + 1
			if r.numbered == nil || r.numbered[k] {
				c.text(heatLeft+r.cell*(float64(i)+0.5), 30, "small mid", fmt.Sprint(k))
			}
		}
	}
	width := r.cell * float64(max(columns, 1))
	c.text(36, 30, "small end", "pos")
	c.text(46, 30, "small", "token")
	if width > 120 {
		c.text(heatLeft+width/2, 14, "small mid", "core step")
	} else {
		c.text(heatLeft, 14, "small", "core step")
	}
	if r.taken {
		c.text(heatLeft+width+14, 30, "small", "taken")
	}
	return width
}

// kind is the class of a token's label.
func (t Token) kind() string {
	if t.Prompt {
		return " prompt"
	}
	return ""
}

// dot is the mark of an exit, to be seen on every colour.
func (c *canvas) dot(x, y, radius float64) {
	fmt.Fprintf(c, `<circle cx="%s" cy="%s" r="%s" class="mark"/>`+"\n", n(x), n(y), n(radius))
}
