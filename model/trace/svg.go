package trace

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// pageWidth is that of every picture, in CSS pixels.
const pageWidth = 1000

//go:embed picture.css
var lightCSS string

//go:embed picture_dark.css
var darkCSS string // what differs

// Themes are those of pictures and pages; auto is the reader's own.
func Themes() []string { return []string{"auto", "light", "dark"} }

// pictureCSS is the style of pictures in a theme. What is printed is light, unless it was fixed to dark.
func pictureCSS(theme string) string {
	switch theme {
	case "light":
		return lightCSS
	case "dark":
		return lightCSS + darkCSS
	}
	return lightCSS + "@media screen and (prefers-color-scheme: dark) {\n" + darkCSS + "}\n"
}

// picture is a drawing without its title, in parts below each other: none is higher than a sheet of paper.
type picture struct {
	id      string
	title   string
	caption string // what is drawn, in words
	attrs   string // of the drawing, for the page's script
	parts   []part
}

// part is drawn in the coordinates of its own box.
type part struct {
	height float64
	body   string
}

// canvas collects SVG elements. Colours that depend on the theme are classes of picture.css; numbers have two decimals.
type canvas struct{ bytes.Buffer }

// n is a coordinate.
func n(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", x), "0"), ".")
}

// text writes a label; class says size, colour and anchor.
func (c *canvas) text(x, y float64, class, text string) {
	fmt.Fprintf(c, `<text x="%s" y="%s" class="%s">%s</text>`+"\n", n(x), n(y), class, html.EscapeString(text))
}

// upright writes a label that reads from bottom to top.
func (c *canvas) upright(x, y float64, class, text string) {
	fmt.Fprintf(c, `<text transform="translate(%s %s) rotate(-90)" class="%s">%s</text>`+"\n", n(x), n(y), class, html.EscapeString(text))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(c, `<path d="M%s %sL%s %s" class="%s"/>`+"\n", n(x1), n(y1), n(x2), n(y2), class)
}

func (c *canvas) rect(x, y, w, h float64, attrs string) {
	fmt.Fprintf(c, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`+"\n", n(x), n(y), n(w), n(h), attrs)
}

// polyline draws through points, leaving out what is not finite.
func (c *canvas) polyline(points [][2]float64, attrs string) {
	var d strings.Builder
	for _, p := range points {
		letter := "L"
		if d.Len() == 0 {
			letter = "M"
		}
		d.WriteString(letter + n(p[0]) + " " + n(p[1]))
	}
	if d.Len() > 0 {
		fmt.Fprintf(c, `<path d="%s" %s/>`+"\n", d.String(), attrs)
	}
}

// bar draws a colour bar with ticks at shares 0..1 of its length, and says below what it shows.
func (c *canvas) bar(x, y, width float64, ticks []tick, says string) {
	const parts = 64
	for i := range parts {
		c.rect(x+width*float64(i)/parts, y, width/parts+0.5, 12, fmt.Sprintf(`fill="%s"`, Ramp((float64(i)+0.5)/parts)))
	}
	for _, t := range ticks {
		c.line(x+width*t.at, y+12, x+width*t.at, y+16, "axis")
		c.text(x+width*t.at, y+27, "small mid", t.text)
	}
	c.text(x, y-5, "small", says)
}

// tick is a number on an axis.
type tick struct {
	at   float64
	text string
}

// countTicks are whole numbers from first to last, about so many, at round distances.
func countTicks(first, last, about int) []int {
	every := 1
	for _, step := range []int{1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000, 20000} {
		if every = step; (last-first)/step <= about {
			break
		}
	}
	var list []int
	if first%every != 0 {
		list = append(list, first)
	}
	for v := (first + every - 1) / every * every; v <= last; v += every {
		if len(list) == 1 && first%every != 0 && v-first < every/2 {
			continue // too near to the first
		}
		list = append(list, v)
	}
	return list
}

// niceTicks are about so many round numbers between two others.
func niceTicks(low, high float64, about int) []float64 {
	if !(high > low) {
		return []float64{low}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(about))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= float64(about) {
			step *= m
			break
		}
	}
	var list []float64
	for v := math.Ceil(low/step) * step; v <= high+step*1e-9; v += step {
		list = append(list, v)
	}
	return list
}

// short writes a tick of an axis whose ticks are step apart.
func short(v, step float64) string {
	if math.Abs(v) < step*1e-6 {
		return "0"
	}
	text := fmt.Sprintf("%.3g", v)
	return strings.NewReplacer("e+0", "e", "e-0", "e−", "-", "−").Replace(text)
}

// WriteSVG writes one standalone file with all pictures below each other, in one of Themes.
func (t *Trace) WriteSVG(w io.Writer, theme string) error {
	if err := t.check(); err != nil {
		return err
	}
	var c canvas
	y := 36.0
	c.text(20, y, "title", "Latent reasoning, core step by core step")
	for _, l := range t.about() {
		y += 18
		c.text(20, y, "note", l)
	}
	y += 14
	for _, p := range t.pictures() {
		y += 34
		c.text(20, y, "heading", p.title)
		for _, l := range wrapped(p.caption, 155) {
			y += 16
			c.text(20, y, "note", l)
		}
		y += 14
		for _, part := range p.parts {
			fmt.Fprintf(&c, `<g transform="translate(0 %s)">`+"\n%s</g>\n", n(y), part.body)
			y += part.height
		}
	}
	y += 20
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %s" width="%d" height="%s" role="img" class="picture">
<title>%s</title>
<style>%s</style>
<rect width="100%%" height="100%%" class="ground"/>
%s</svg>
`, pageWidth, n(y), pageWidth, n(y), html.EscapeString("Trace of "+clean(t.Model)), pictureCSS(theme), c.String())
	return err
}

// pictures are all that there are numbers for.
func (t *Trace) pictures() []picture {
	list := []picture{t.heatMap()}
	if t.predicted() {
		list = append(list, t.says())
	}
	if _, _, steps := t.measure(); steps != nil {
		list = append(list, t.stepBars())
	}
	list = append(list, t.orbits())
	if t.Starts != nil {
		list = append(list, t.pathIndependence())
	}
	return list
}

// about says in a few lines what was run.
func (t *Trace) about() []string {
	lines := []string{"model " + clean(t.Model) + ", on " + clean(t.Device)}
	depth := count(t.MaxSteps, "core step") + " for each token"
	if t.Criterion != "" && t.Criterion != "none" {
		depth = fmt.Sprintf("exit by %s below %.3g, at most %s", clean(t.Criterion), t.Threshold, count(t.MaxSteps, "core step"))
		if t.Criterion == "argmax-stability" {
			depth = fmt.Sprintf("exit by %s after %.3g checks, at most %s", clean(t.Criterion), t.Threshold, count(t.MaxSteps, "core step"))
		}
	}
	lines = append(lines, count(len(t.Tokens), "token")+", "+depth)
	if r := t.Run; r.Program != "" {
		lines = append(lines, fmt.Sprintf("weights %s, KV %s (%s), seed %d, %s", clean(r.Weights), clean(r.KV), clean(r.Lookup), r.Seed, clean(r.Program)))
	}
	prompt := wrapped("prompt: "+clean(t.Prompt), 155)
	if len(prompt) > 3 {
		prompt = append(prompt[:3:3], "…")
	}
	return append(lines, prompt...)
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// clean makes a text fit for XML and for one line; spaces stay.
func clean(text string) string {
	if text == "" {
		return ""
	}
	return strings.ReplaceAll(Label([]byte(text)), "␣", " ")
}
