package demo_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"muninn/model/demo"
)

func draw(t *testing.T, rng *rand.Rand, hops int) demo.Problem {
	t.Helper()
	p, err := demo.Draw(rng, hops)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// resolve follows a problem's text by hand, apart from the generator's own bookkeeping.
func resolve(t *testing.T, text string) (chain []byte) {
	t.Helper()
	is := map[byte]byte{}
	defs, question := text[:len(text)-2], text[len(text)-2:]
	for ; defs != ""; defs = defs[4:] {
		if defs[1] != '=' || defs[3] != ';' {
			t.Fatalf("%q: not a definition: %q", text, defs[:4])
		}
		if is[defs[0]] != 0 {
			t.Fatalf("%q: %c is defined twice", text, defs[0])
		}
		is[defs[0]] = defs[2]
	}
	if question[1] != '?' {
		t.Fatalf("%q does not end in a question", text)
	}
	for name := question[0]; name >= 'a'; {
		name = is[name]
		if name == 0 || len(chain) > len(is) {
			t.Fatalf("%q: the chain does not end", text)
		}
		chain = append(chain, name)
	}
	return chain
}

func TestDrawnProblems(t *testing.T) {
	rng := demo.Rand(1)
	for hops := 0; hops <= demo.MaxHops; hops++ {
		for range 40 {
			p := draw(t, rng, hops)
			got := resolve(t, p.Text())
			if p.Hops != hops || len(got) != hops+1 || !bytes.Equal(got, p.Chain) || got[hops] != p.Value() {
				t.Fatalf("%q: asked for %d hops, got %+v, by hand %q", p.Text(), hops, p, got)
			}
			if n := len(p.Definitions); n < max(4, hops+1) || n > 18 {
				t.Fatalf("%q has %d names, want %d to 18", p.Text(), n, max(4, hops+1))
			}
			for i, d := range p.Definitions {
				if d.Name < 'a' || d.Name > 't' {
					t.Fatalf("%q: name %c is not of a to t", p.Text(), d.Name)
				}
				for _, e := range p.Definitions[:i] {
					if e.Name == d.Is {
						t.Fatalf("%q: %s comes after a definition that it was drawn before", p.Text(), d)
					}
				}
			}
			if !p.Definitions[len(p.Definitions)-1].Constant() {
				t.Fatalf("%q: the first name drawn, written last, is not a constant", p.Text())
			}
		}
	}
}

func TestDrawRefusesImpossibleHops(t *testing.T) {
	for _, hops := range []int{-1, demo.MaxHops + 1} {
		if _, err := demo.Draw(demo.Rand(1), hops); err == nil {
			t.Errorf("Draw of %d hops succeeded", hops)
		}
	}
}

// TestDrawingRule counts what is drawn against the rule's probabilities. Problems of 0 hops are hardly filtered by drawing
// again (some name of 0 hops is always there), so the rule shows undistorted.
func TestDrawingRule(t *testing.T) {
	const problems = 4000
	rng := demo.Rand(2)
	names, values := map[int]int{}, map[byte]int{}
	var further, constants, previous, names2 float64
	for range problems {
		p := draw(t, rng, 0)
		d := p.Definitions
		names[len(d)]++
		values[p.Value()]++
		for i := range d[:len(d)-1] {
			further++
			switch {
			case d[i].Constant():
				constants++
			default:
				names2++
				if d[i].Is == d[i+1].Name {
					previous++
				}
			}
		}
	}
	// About 40000 definitions: the standard deviation of a share is below 0.003; 0.02 is far outside of chance.
	if got := constants / further; got < 0.23 || got > 0.27 {
		t.Errorf("constants among the further names: %.3f, want 0.25", got)
	}
	// 0.7, and the share of 0.3 that falls on the previous name by chance: the mean of 1/i over the names is 0.22.
	if got := previous / names2; got < 0.73 || got > 0.79 {
		t.Errorf("names that stand for the one drawn before: %.3f, want about 0.76", got)
	}
	for n := 4; n <= 18; n++ { // 267 expected, standard deviation 16
		if names[n] < 200 || names[n] > 340 {
			t.Errorf("%d names were drawn %d times in %d", n, names[n], problems)
		}
	}
	for v := byte('0'); v <= '9'; v++ { // 400 expected, standard deviation 19
		if values[v] < 320 || values[v] > 480 {
			t.Errorf("value %c was drawn %d times in %d", v, values[v], problems)
		}
	}
}

func TestLongChainsHaveFewConstants(t *testing.T) {
	rng := demo.Rand(3)
	var further, constants float64
	for range 1000 {
		for _, d := range draw(t, rng, 5).Definitions[1:] {
			further++
			if d.Constant() {
				constants++
			}
		}
	}
	// The first name drawn always is one: with about 11 further names that is 0.09 of them, and 0.06 of the rest.
	if got := constants / further; got < 0.08 || got > 0.17 {
		t.Errorf("share of constants in problems of 5 hops: %.3f", got)
	}
}

func TestSeeds(t *testing.T) {
	var a, b, other []demo.Problem
	ra, rb, ro := demo.Rand(7), demo.Rand(7), demo.Rand(8)
	for hops := range 9 {
		a, b, other = append(a, draw(t, ra, hops)), append(b, draw(t, rb, hops)), append(other, draw(t, ro, hops))
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("the same seed drew other problems")
	}
	if reflect.DeepEqual(a, other) {
		t.Error("another seed drew the same problems")
	}
	// Pinned: tables printed by one release can be compared with those of another.
	if got, want := a[3].Text(), "g=n;n=b;b=s;s=2;g?"; got != want {
		t.Errorf("seed 7 drew %q, want %q", got, want)
	}
}

func TestCheckAndAt(t *testing.T) {
	p := demo.Problem{Asked: 'k', Hops: 2, Chain: []byte("da3"), Definitions: []demo.Definition{
		{Name: 'k', Is: 'd'}, {Name: 'd', Is: 'a'}, {Name: 'a', Is: '3'}, {Name: 'm', Is: '5'}}}
	if got, want := p.Text(), "k=d;d=a;a=3;m=5;k?"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	for depth, want := range map[int]string{1: "d?", 2: "a?", 3: "3;", 64: "3;"} {
		if got := p.At(depth); got != want {
			t.Errorf("at depth %d: %q, want %q", depth, got, want)
		}
	}
	for _, right := range []string{"d?a?3;", "a?3;", "d?3;", "3;"} {
		if err := p.Check(right); err != nil {
			t.Errorf("%q: %v", right, err)
		}
	}
	for _, wrong := range []string{"", "d", "d?", "d?a?", "5;", "a?d?3;", "d?d?3;", "m?5;", "3;3;", "3?", "d;3;", "k?3;", "d?a?3", "3;d?"} {
		if err := p.Check(wrong); err == nil || !strings.Contains(err.Error(), "demo: ") {
			t.Errorf("%q: error %v, want one", wrong, err)
		}
	}
}
