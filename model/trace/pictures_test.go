package trace

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var write = flag.String("write", "", "folder that the pictures of the tests are written to, to look at them")

// made keeps what cases makes: under the race detector that takes long.
var made = map[string]*Trace{}

// cases are traces of every size. They are not to be changed.
func cases(t testing.TB) map[string]*Trace {
	if len(made) == 0 {
		made["usual"], made["long"], made["deep"] = sample(t, 24, 16, 32, 50), sample(t, 130, 64, 32, 300), sample(t, 3, 700, 8, 20)
		made["one"], made["step"], made["empty"] = sample(t, 1, 1, 4, 0), sample(t, 40, 1, 8, 30), sample(t, 0, 8, 4, 3)
	}
	return made
}

func keep(t *testing.T, name string, doc []byte) {
	t.Helper()
	if *write == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*write, name), doc, 0o644); err != nil {
		t.Fatal(err)
	}
}

// wellFormed reads all of an XML document.
func wellFormed(t *testing.T, doc []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSVG(t *testing.T) {
	for name, tr := range cases(t) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tr.WriteSVG(&b, "auto"); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, b.Bytes())
			if bytes.Contains(b.Bytes(), []byte("NaN")) || bytes.Contains(b.Bytes(), []byte("Inf")) {
				t.Error("numbers that are none")
			}
			keep(t, name+".svg", b.Bytes())
		})
	}
}

// The page is one file: it names nothing outside, its policy allows nothing but its own style and script, and no token's text
// gets out of where it is put.
func TestHTML(t *testing.T) {
	for name, tr := range cases(t) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := tr.WriteHTML(&b, "auto"); err != nil {
				t.Fatal(err)
			}
			keep(t, name+".html", b.Bytes())
			page := b.String()
			for what, want := range map[string]int{"<script": 2, "</script": 2, "<style": 1, "</style": 1, "</html>": 1, "<!--": 0, "http://": 1, "https:": 0,
				"src=": 0, "href=": 0, "url(": 0, "@import": 0, " style=": 0, " onload=": 0, "%!": 0} {
				if got := strings.Count(page, what); got != want && (what != "http://" || got > want) {
					t.Errorf("%d times %q, want %d", got, what, want)
				}
			}
			for _, part := range []string{pageCSS + pictureCSS("auto"), pageJS} {
				if !strings.Contains(page, ">"+part+"</") || !strings.Contains(page, hash(part)) {
					t.Error("a style or script is not what the policy names")
				}
			}
			_, data, _ := strings.Cut(page, `id="data">`)
			data, _, _ = strings.Cut(data, "</script>")
			var d struct {
				Trace  json.RawMessage
				Labels []string
				Orbits []int
			}
			if err := json.Unmarshal([]byte(data), &d); err != nil {
				t.Fatal(err)
			}
			back, err := readJSON(bytes.NewReader(d.Trace))
			if err != nil {
				t.Fatal(err)
			}
			if len(back.Tokens) != len(tr.Tokens) || len(d.Labels) != len(tr.Tokens) || d.Orbits == nil {
				t.Errorf("%d tokens, %d labels, orbits %v, of %d tokens", len(back.Tokens), len(d.Labels), d.Orbits, len(tr.Tokens))
			}
		})
	}
}

// Every token has its row, with a cell for each step, and the mark of its exit.
func TestHeatMapShowsAll(t *testing.T) {
	tr := cases(t)["usual"]
	body := bodies(tr.heatMap())
	exits := 1 // that of the legend
	for i, tok := range tr.Tokens {
		_, row, _ := strings.Cut(body, fmt.Sprintf(`<g data-token="%d">`, i))
		row, _, _ = strings.Cut(row, "</g>")
		if got := strings.Count(row, "<rect"); got != len(tok.Path) {
			t.Errorf("token %d has %d cells, want %d", i, got, len(tok.Path))
		}
		if tok.Steps < tr.MaxSteps {
			exits++
		}
	}
	if got := strings.Count(body, `class="mark"`); got != exits {
		t.Errorf("%d marks of exits, want %d", got, exits)
	}
}

func TestWhichPaths(t *testing.T) {
	tr := &Trace{Version: Version, MaxSteps: 8, Tokens: []Token{{Prompt: true, Steps: 8}, {Prompt: true, Steps: 8}, {Steps: 2}, {Steps: 5}, {Steps: 5}}}
	if got := fmt.Sprint(tr.telling()); got != "[1 3 4]" {
		t.Errorf("paths of tokens %s, want the last of the prompt and the longest", got)
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{{oklch(0, 0, 0), "#000000"}, {oklch(1, 0, 0), "#ffffff"}, {oklch(0.62796, 0.25768, 29.234), "#ff0000"}, {oklch(0.45201, 0.31321, 264.052), "#0000ff"}} {
		if c.got != c.want {
			t.Errorf("colour %s, want %s", c.got, c.want)
		}
	}
	if Ramp(-1) != ramp[0] || Ramp(2) != ramp[len(ramp)-1] {
		t.Error("ends of the ramp")
	}
	s := newLogScale([]Real{0, Real(math.NaN()), 1e-3, 10})
	if s.at(0) != 0 || s.at(10) != 1 || math.Abs(s.at(0.1)-0.5) > 1e-12 || s.at(Real(math.NaN())) != 0 {
		t.Errorf("scale %v", s)
	}
	if got := newLogScale([]Real{1e-300, 1}); got.high-got.low != maxDecades {
		t.Errorf("scale of far numbers: %v", got)
	}
	for x, want := range map[float64]string{-5.13: "7×10⁻⁶", -8: "10⁻⁸", 0.15: "1.4", -5.001: "10⁻⁵"} {
		if got := times10(x); got != want {
			t.Errorf("10 to the %g is %s, want %s", x, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		first, last, about int
		want               string
	}{{1, 16, 22, "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]"}, {1, 64, 10, "[1 10 20 30 40 50 60]"}, {0, 1, 4, "[0 1]"}, {1, 0, 4, "[]"}, {0, 64, 4, "[0 20 40 60]"}} {
		if got := fmt.Sprint(countTicks(c.first, c.last, c.about)); got != c.want {
			t.Errorf("ticks from %d to %d: %s, want %s", c.first, c.last, got, c.want)
		}
	}
	if got := fmt.Sprint(niceTicks(-1, 1, 4)); got != "[-1 -0.5 0 0.5 1]" {
		t.Errorf("ticks %s", got)
	}
}
