package trace

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// pageHTML takes the policy, title, style, title, lines about the run, what colours say, pictures, data and script.
//
//go:embed page.html
var pageHTML string

// pageData is what the page's script reads besides the trace.
type pageData struct {
	Trace  *Trace   `json:"trace"`
	Labels []string `json:"labels"` // of the tokens, with escapes
	Steps  []int    `json:"steps"`  // that the tokens are coloured by
	Ramp   []string `json:"ramp"`
	Orbits []int    `json:"orbits"` // tokens whose paths are drawn at first
}

// WriteHTML writes one page that needs nothing else: the pictures, the numbers behind them, and a script that shows these
// for the token and core step that the reader points at. The page's policy forbids it any request. The theme is one of Themes.
func (t *Trace) WriteHTML(w io.Writer, theme string) error {
	if err := t.check(); err != nil {
		return err
	}
	data := pageData{Trace: t, Labels: []string{}, Ramp: ramp[:], Orbits: t.telling()}
	_, says, steps := t.measure()
	data.Steps = steps
	for _, tok := range t.Tokens {
		data.Labels = append(data.Labels, tok.label())
		if steps == nil {
			data.Steps = append(data.Steps, tok.Steps)
		}
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body) // writes <, > and & as escapes: nothing in the data can end its element
	if err := encoder.Encode(data); err != nil {
		return err
	}
	style := pageCSS + pictureCSS(theme)
	var about strings.Builder
	for _, l := range t.about() {
		fmt.Fprintf(&about, "<p>%s</p>\n", html.EscapeString(l))
	}
	policy := fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hash(style), hash(pageJS))
	title := html.EscapeString("Trace of " + clean(t.Model))
	_, err := fmt.Fprintf(w, pageHTML, policy, title, style, title, about.String(), says, t.figures(), body.String(), pageJS)
	return err
}

// hash names a style or script in a content security policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// figures are the pictures as parts of the page.
func (t *Trace) figures() string {
	var b strings.Builder
	for _, p := range t.pictures() {
		fmt.Fprintf(&b, `<section aria-labelledby="title-%s">
<h2 id="title-%s">%s</h2>
<p>%s</p>
<div class="sheet" id="%s" tabindex="0" role="group" aria-label="%s" %s>
`, p.id, p.id, p.title, html.EscapeString(p.caption), p.id, p.title, p.attrs)
		for _, part := range p.parts {
			fmt.Fprintf(&b, `<svg viewBox="0 0 %d %s" width="%d" height="%s" role="img" aria-label="%s" class="picture">
%s</svg>
`, pageWidth, n(part.height), pageWidth, n(part.height), p.title, part.body)
		}
		b.WriteString("</div>\n</section>\n")
	}
	return b.String()
}
