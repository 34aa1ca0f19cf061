package cli

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func stepsShown(t *testing.T, width int, coloured bool, push func(*StepsView)) string {
	t.Helper()
	var out strings.Builder
	v := stepsViewOf(newOutput(&out), width, coloured, false, 32)
	push(v)
	if err := v.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The number of steps stands under the token's first character; short tokens are filled up so that numbers part.
func TestStepsViewColoured(t *testing.T) {
	got := stepsShown(t, 20, true, func(v *StepsView) {
		for i, word := range []string{"The", " cat", "3;", "", "日本", " sat\non", "\n", " extraordinarilylongwords", "."} {
			_ = v.Push(word, []int{4, 32, 16, 2, 8, 1, 5, 11, 3}[i])
		}
		_ = v.Push("end", -1)
	})
	want := `
The cat3; · 日本
4  32  16 2 8
 sat↵
1
on↵ 
  5
 extraordinarilylon
11
gwords. end
      3
`[1:]
	if plain := sgr.ReplaceAllString(got, ""); plain != want {
		t.Errorf("got\n%s\nwant\n%s", plain, want)
	}
	if !strings.Contains(got, "\x1b[38;5;16;48;5;") || !strings.Contains(got, "\x1b[38;5;231;48;5;") {
		t.Error("want black on light and white on dark")
	}
}

func TestStepsViewPlain(t *testing.T) {
	got := stepsShown(t, 0, false, func(v *StepsView) {
		for _, word := range []string{"k?", " the\n", "", "\x1b", "\n"} {
			_ = v.Push(word, 8)
		}
		_ = v.Push("rest", -1)
	})
	if want := "k?‹8› the‹8›\n‹8›␛‹8›‹8›\nrest\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// No line is wider than the terminal, and no character is lost.
func TestStepsViewRandom(t *testing.T) {
	words := []string{"a", " the", "日本語", " loooooooooooooooooooooooooooooooong", "👩‍💻", "\n"}
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		width := 8 + rng.IntN(60)
		text, numbers := "", 0
		got := stepsShown(t, width, true, func(v *StepsView) {
			for range 100 {
				word := words[rng.IntN(len(words))]
				text += strings.ReplaceAll(word, "\n", "↵")
				numbers++
				_ = v.Push(word, rng.IntN(1000))
			}
		})
		var kept strings.Builder
		found := 0
		for i, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
			if strings.HasPrefix(line, "\x1b["+Dim+"m") {
				found += len(strings.Fields(sgr.ReplaceAllString(line, "")))
			} else {
				kept.WriteString(sgr.ReplaceAllString(line, ""))
			}
			if plain := sgr.ReplaceAllString(line, ""); cells(plain) >= width {
				t.Fatalf("seed %d: line %d has %d columns of %d", seed, i, cells(plain), width)
			}
		}
		if squeeze := strings.NewReplacer(" ", ""); squeeze.Replace(kept.String()) != squeeze.Replace(text) || found != numbers {
			t.Fatalf("seed %d: %d numbers of %d, text %q, want %q", seed, found, numbers, kept.String(), text)
		}
	}
}

// The colours of 256 are near those of the ramp, and steps beyond the last colour have it.
func TestStepsColours(t *testing.T) {
	v := stepsViewOf(nil, 80, true, true, 10)
	if a, b := v.paint("x", 10), v.paint("x", 99); a != b || !strings.Contains(a, "48;2;") {
		t.Errorf("%q, %q", a, b)
	}
	for level, want := range map[int]int{0: 0, 47: 0, 48: 1, 95: 1, 114: 1, 115: 2, 135: 2, 175: 3, 215: 4, 255: 5} {
		if got := cube(level); got != want {
			t.Errorf("cube(%d) = %d, want %d", level, got, want)
		}
	}
	seen := map[string]bool{}
	small := stepsViewOf(nil, 80, true, false, 8)
	for steps := range 9 {
		seen[small.paint("x", steps)] = true
	}
	if len(seen) < 7 {
		t.Errorf("only %d colours for 9 depths: %s", len(seen), fmt.Sprint(seen))
	}
}
