package trace

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// bodies is all that a picture draws.
func bodies(p picture) string {
	var b strings.Builder
	for _, part := range p.parts {
		b.WriteString(part.body)
	}
	return b.String()
}

// svgOf writes a trace in a theme.
func svgOf(t *testing.T, tr *Trace, theme string) string {
	t.Helper()
	var b bytes.Buffer
	if err := tr.WriteSVG(&b, theme); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// However many tokens there are, pictures stay within a few sheets, and no part is higher than a sheet.
func TestPicturesAreBounded(t *testing.T) {
	for _, n := range []int{900, 5000} {
		tr := sample(t, n, 2, 4, 8)
		doc := svgOf(t, tr, "auto")
		keep(t, fmt.Sprintf("tokens%d.svg", n), []byte(doc))
		height, err := strconv.ParseFloat(regexp.MustCompile(` height="([0-9.]+)"`).FindStringSubmatch(doc)[1], 64)
		if err != nil || height > 7000 {
			t.Errorf("%d tokens are %v high, %v", n, height, err)
		}
		for _, p := range tr.pictures() {
			for i, part := range p.parts {
				if part.height > 720 {
					t.Errorf("%d tokens: part %d of %s is %v high", n, i, p.id, part.height)
				}
			}
		}
	}
}

// What the model would say stands in the picture for each token and step, on the colour of the entropy.
func TestWhatTheModelWouldSay(t *testing.T) {
	tr := cases(t)["usual"]
	body := bodies(tr.says())
	for i, tok := range tr.Tokens {
		_, row, _ := strings.Cut(body, fmt.Sprintf(`<g data-token="%d">`, i))
		row, _, _ = strings.Cut(row, "</g>")
		for _, k := range spaced(tr.longest(), saysColumns) {
			if k <= len(tok.Path) && !strings.Contains(row, fmt.Sprintf(`data-step="%d"`, k)) {
				t.Errorf("token %d: step %d is not drawn", i, k)
			}
		}
		if got := strings.Count(row, "<text"); got != strings.Count(row, "<rect") {
			t.Errorf("token %d: %d predictions", i, got)
		}
	}
	if got := fmt.Sprint(spaced(5, 14), spaced(32, 14), spaced(0, 3)); got != "[1 2 3 4 5] [1 2 3 4 5 6 7 9 11 14 17 21 26 32] []" {
		t.Errorf("core steps drawn: %s", got)
	}
	if first, last := cases(t)["long"].window(80); first != 130/3-16 || last != first+80 {
		t.Errorf("tokens %d to %d", first, last)
	}
}

// Without an exit, bars of the same height say nothing: then they show since when the prediction stays, if that is known.
func TestFixedDepthBars(t *testing.T) {
	tr := sample(t, 6, 5, 4, 0)
	for i := range tr.Tokens {
		tr.Tokens[i].Path = tr.Tokens[0].Path
		tr.Tokens[i].Steps = 5
	}
	for _, p := range tr.pictures() {
		if p.id == "steps" || p.id == "says" {
			t.Errorf("%q is drawn, and nothing is known", p.title)
		}
	}
	path := append([]Step(nil), tr.Tokens[0].Path...)
	for k, id := range []int32{7, 8, 7, 7, 7} {
		path[k].Top = []Candidate{{ID: id}}
	}
	for i := range tr.Tokens {
		tr.Tokens[i].Path = path
	}
	title, _, steps := tr.measure()
	if title != "Core steps until the prediction stays" || fmt.Sprint(steps) != "[3 3 3 3 3 3]" {
		t.Errorf("%s: %v", title, steps)
	}
}

// A theme can be fixed; what is printed is whole, and light unless it was fixed to dark.
func TestThemesAndPrint(t *testing.T) {
	tr := cases(t)["usual"]
	const dark = "#14171d"
	for theme, want := range map[string][2]bool{"light": {false, false}, "dark": {true, false}, "auto": {true, true}} {
		var page bytes.Buffer
		if err := tr.WriteHTML(&page, theme); err != nil {
			t.Fatal(err)
		}
		for _, doc := range []string{svgOf(t, tr, theme), page.String()} {
			if strings.Contains(doc, dark) != want[0] || strings.Contains(doc, "@media screen and (prefers-color-scheme: dark)") != want[1] {
				t.Errorf("theme %s is not kept", theme)
			}
		}
		if _, print, ok := strings.Cut(page.String(), "@media print {"); !ok || !strings.Contains(print, "max-height: none; overflow: visible") {
			t.Error("printing cuts what scrolls")
		}
	}
}
