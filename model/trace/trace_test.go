package trace

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// reals compares numbers to what six digits can differ by; those that are none are equal.
var reals = cmp.Comparer(func(a, b Real) bool {
	return a == b || a != a && b != b || math.Abs(float64(a-b)) <= 1e-5*math.Abs(float64(a))
})

// UnmarshalJSON reads a number, or NaN from null.
func (r *Real) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*r = Real(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	*r = Real(v)
	return err
}

// readJSON reads what WriteJSON wrote, and checks it.
func readJSON(r io.Reader) (*Trace, error) {
	t := &Trace{}
	if err := json.NewDecoder(r).Decode(t); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

func TestJSONRoundTrip(t *testing.T) {
	for name, tr := range cases(t) {
		var b, again bytes.Buffer
		if err := tr.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "</script") {
			t.Error("text that would end a script element")
		}
		back, err := readJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := back.WriteJSON(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: written again, it differs: %v", name, err)
		}
		if b.Len() > 100_000 {
			continue // numbers of the long ones are compared as text only
		}
		if diff := cmp.Diff(tr, back, reals, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: read back, it differs:\n%s", name, diff)
		}
	}
}

func TestReadJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "EOF",
		`{}`:                                   "version 0",
		`{"version":1,"tokens":[{"steps":3}]}`: "took 3 steps",
		`{"version":1,"explained_variance":[1,0],"tokens":[{"start":[]}]}`:                      "step 0: 0 components",
		`{"version":1,"starts":{"token":4}}`:                                                    "starts are of token 4",
		`{"version":1,"tokens":[{}],"starts":{"paths":[{"distance":[1]}]}}`:                     "path 0",
		`{"version":1,"explained_variance":[1],"tokens":[{"start":[1],"steps":1,"path":[{}]}]}`: "step 1",
	} {
		_, err := readJSON(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A small trace by hand: two components in states of width three, and logits that can be summed in the head.
func TestBuilder(t *testing.T) {
	text := func(id int32) []byte { return []byte{'a' + byte(id)} }
	b, err := NewBuilder(Trace{Model: "m", MaxSteps: 4}, Options{Width: 3, Components: 2, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	state := []float32{3, 4, 0}
	p := b.Token(0, 1, true, state)
	q := b.Token(1, 25, false, []float32{-3, -4, 0})
	state[0], state[1] = 3, 0 // the builder has its own copy
	p.Step(state, []float32{0, float32(math.Log(2)), float32(math.Log(5)), float32(math.Inf(-1)), 0, 0, float32(math.Log(2))})
	q.Step([]float32{-3, -4, 0}, nil)
	q.Step([]float32{0, 0, 0}, nil)
	q.Exit(1)
	for seed, x := range []float32{2, -2} {
		s := b.Start(q, uint64(seed), []float32{x, 0, 0})
		s.Step([]float32{1, x / 2, 0}, nil)
	}
	tr, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	first, second := tr.Tokens[0], tr.Tokens[1]
	if first.Text != "b" || !first.Prompt || first.Steps != 1 || second.Steps != 1 || len(second.Path) != 2 || tr.exited(first) != true {
		t.Errorf("tokens %+v, %+v", first, second)
	}
	step := first.Path[0]
	entropy := 5./12*math.Log(12./5) + 2*2./12*math.Log(6) + 3./12*math.Log(12)
	top := []Candidate{{ID: 2, Text: "c", Prob: 5. / 12}, {ID: 1, Text: "b", Prob: 2. / 12}, {ID: 6, Text: "g", Prob: 2. / 12},
		{ID: 0, Text: "a", Prob: 1. / 12}, {ID: 4, Text: "e", Prob: 1. / 12}}
	if diff := cmp.Diff(Step{Residual: 4. / 3, Entropy: Real(entropy), Top: top}, step, reals, cmpopts.IgnoreFields(Step{}, "Components")); diff != "" {
		t.Error(diff)
	}
	if r := second.Path[0]; r.Residual != 0 || r.Entropy.finite() || r.Top != nil {
		t.Errorf("a state that stood still, without logits: %+v", r)
	}
	if r := second.Path[1].Residual; r.finite() {
		t.Errorf("a step to zero has residual %v, want none", r)
	}
	// m = (1, 0, 0); pairs: (2,0) (-2,0), then (1,1) (1,-1)
	want := &Starts{Token: 1, Spread: []Real{2, Real(math.Sqrt2)}, Paths: []Start{{Seed: 0, Distance: []Real{1, 1}}, {Seed: 1, Distance: []Real{3, 1}}}}
	if diff := cmp.Diff(want, tr.Starts, reals, cmpopts.IgnoreFields(Start{}, "Components")); diff != "" {
		t.Error(diff)
	}
	if sum := tr.Explained[0] + tr.Explained[1]; math.Abs(float64(sum)-1) > 1e-5 {
		t.Errorf("a plane's two components explain %v of it", sum)
	}
}

func TestBuilderErrors(t *testing.T) {
	for name, use := range map[string]func(b *Builder){
		"short state":   func(b *Builder) { b.Token(0, 0, false, make([]float32, 2)) },
		"short step":    func(b *Builder) { b.Token(0, 0, false, make([]float32, 3)).Step(nil, nil) },
		"exit too late": func(b *Builder) { b.Token(0, 0, false, make([]float32, 3)).Exit(1) },
		"starts of two": func(b *Builder) {
			for range 2 {
				b.Start(b.Token(0, 0, false, make([]float32, 3)), 0, make([]float32, 3))
			}
		},
		"short start": func(b *Builder) { b.Start(b.Token(0, 0, false, make([]float32, 3)), 0, nil) },
	} {
		b, err := NewBuilder(Trace{}, Options{Width: 3, Components: 6})
		if err != nil {
			t.Fatal(err)
		}
		use(b)
		if _, err := b.Build(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, o := range []Options{{Width: 3, Components: 1}, {Width: 3, Components: 7}, {Components: 2}} {
		if _, err := NewBuilder(Trace{}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestLabel(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, " a b": "␣a␣b", "a\nb\t\r": `a\nb\t\r`, `\n`: `\\n`, "\x00\x1b\x7f": `\x00\x1b\x7f`, "\xe6\x97": `\xe6\x97`, "日本": "日本",
		"\u202ex": `\u202ex`, "\u200d": `\u200d`, "\u0301": "◌\u0301", "e\u0301": "e\u0301", "\ufffe": `\ufffe`, "\U000e0001": `\U000e0001`, "\u0085": `\x85`,
		"🧑": "🧑", "\ufffd": "\ufffd",
	} {
		if got := Label([]byte(text)); got != want {
			t.Errorf("Label(%q) = %s, want %s", text, got, want)
		}
	}
	if got := cut("日本語", 4); got != "日…" {
		t.Errorf("cut: %s", got)
	}
	if got := wrapped("aa bb cccccccc 日本語日本", 5); cmp.Diff(got, []string{"aa bb", "ccccc", "ccc", "日本", "語日", "本"}) != "" {
		t.Errorf("wrapped: %q", got)
	}
}
