package cli

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// screen is a terminal of some height: what has scrolled off its top cannot be reached again.
type screen struct {
	height int
	lines  []string
	x, y   int // column and line of the cursor
	bad    []string
}

var control = regexp.MustCompile(`^\x1b\[(\??[0-9;]*)([A-Za-z])`)

func (s *screen) Write(p []byte) (int, error) {
	for text := string(p); text != ""; {
		m := control.FindStringSubmatch(text)
		switch {
		case m != nil && m[2] == "A":
			var n int
			fmt.Sscan(m[1], &n)
			if s.y -= n; s.y < len(s.lines)+1-s.height {
				s.bad = append(s.bad, fmt.Sprintf("up %d from line %d of %d", n, s.y+n, len(s.lines)))
			}
			text = text[len(m[0]):]
		case m != nil && m[2] == "J":
			s.lines = s.lines[:min(s.y, len(s.lines))]
			text = text[len(m[0]):]
		case m != nil && m[2] == "G":
			s.x, text = 0, text[len(m[0]):]
		case m != nil:
			text = text[len(m[0]):]
		default:
			if s.x != 0 {
				s.bad = append(s.bad, fmt.Sprintf("a line begins in column %d", s.x))
			}
			line, rest, _ := strings.Cut(text, "\n")
			if s.y == len(s.lines) {
				s.lines = append(s.lines, "")
			}
			s.lines[s.y] = sgr.ReplaceAllString(strings.ReplaceAll(line, "\x1b[K", ""), "")
			s.y++
			text = rest
		}
	}
	return len(p), nil
}

func summaryOf(tokens int) string {
	return fmt.Sprintf("%d tok, 400.0 steps/tok, 1000.0 tok/s", tokens)
}

func compareStreams(out *screen) *Streams {
	s := NewStreams(nil, out, out, noEnv)
	s.Color = "always"
	return s
}

// Whatever the order in which the columns grow, all their lines stand side by side in the end, and nothing that has scrolled
// away is written to.
func TestCompareScreenRandom(t *testing.T) {
	words := []string{"a", " the", " word", "\n", " 日本語", " 👩‍💻", " loooooooooooooooooooooong", "\t", " e\u0301", "\x1b[2J", ""}
	seeds := uint64(60)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		n, width, height := 1+rng.IntN(4), 30+rng.IntN(100), 8+rng.IntN(20)
		out := &screen{height: height}
		var titles, texts []string
		for i := range n {
			titles, texts = append(titles, fmt.Sprintf("r = %d", i)), append(texts, "")
		}
		c := sideBySideOf(compareStreams(out), titles, summaryOf(99999), width, height)
		c.frame = 0
		live, column := c.live, c.width
		for range 300 {
			i, word := int(float64(n)*rng.Float64()*rng.Float64()), words[rng.IntN(len(words))]
			texts[i] += word
			if err := c.Push(i, word); err != nil {
				t.Fatal(err)
			}
			if live && rng.IntN(10) == 0 && out.y != len(out.lines) {
				t.Fatalf("seed %d: the cursor is not below what is drawn", seed)
			}
			if live && rng.IntN(50) == 0 {
				out.x = 2 // a terminal shows ^C
			}
		}
		for _, i := range rng.Perm(n) {
			if err := c.Finish(i, summaryOf(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if len(out.bad) > 0 {
			t.Fatalf("seed %d: %v", seed, out.bad)
		}
		if !live {
			continue
		}
		rows := 0
		for i := range texts {
			want := wrapCells(texts[i], column)
			rows = max(rows, len(want))
			for k, line := range want {
				parts := strings.Split(out.lines[2+k], columnGap)
				if len(parts) != n || strings.TrimRight(parts[i], " ") != strings.TrimRight(line, " ") {
					t.Fatalf("seed %d: line %d of column %d is %q, want %q", seed, k, i, out.lines[2+k], line)
				}
			}
		}
		for _, l := range out.lines {
			if cells(l) > width-1 {
				t.Fatalf("seed %d: a line of %d columns on a terminal of %d: %q", seed, cells(l), width, l)
			}
		}
		if foot := strings.Join(out.lines[2+rows:], "\n"); !strings.Contains(foot, "0 tok") || !strings.Contains(foot, fmt.Sprintf("%d tok", n-1)) {
			t.Fatalf("seed %d: summaries are %q", seed, foot)
		}
	}
}

// A fast column waits for a slow one rather than scroll it away.
func TestCompareScreenWaits(t *testing.T) {
	out := &screen{height: 12}
	c := sideBySideOf(compareStreams(out), []string{"r = 1", "r = 32"}, summaryOf(99999), 80, 12)
	c.frame = 0
	for i := range 40 {
		_ = c.Push(0, fmt.Sprintf("line %d\n", i))
	}
	_ = c.Push(1, "first ")
	shown := strings.Join(out.lines, "\n")
	if !strings.Contains(shown, "first") || !strings.Contains(shown, "+32 lines") || c.canvas.drawn >= 12 {
		t.Errorf("%d lines:\n%s", len(out.lines), shown)
	}
	_ = c.Close()
	if shown := strings.Join(out.lines, "\n"); !strings.Contains(shown, "line 39") || strings.Contains(shown, "+32") {
		t.Errorf("closed:\n%s", shown)
	}
}

// On a pipe, and on a terminal too small, one text follows the other.
func TestCompareScreenSequential(t *testing.T) {
	want := "r = 1\nd?a?3;\n2 tok, 1.0 steps/tok, 9.0 tok/s\n\nr = 4\na?␛3;\n1 tok, 4.0 steps/tok, 3.0 tok/s\n"
	for _, size := range [][2]int{{0, 0}, {20, 40}, {100, 5}} {
		var out strings.Builder
		s := NewStreams(nil, &out, &out, noEnv)
		c := sideBySideOf(s, []string{"r = 1", "r = 4"}, summaryOf(0), size[0], size[1])
		_ = c.Push(1, "a?\x1b")
		_ = c.Push(0, "d?")
		if !strings.HasPrefix(out.String(), "r = 1\nd?") {
			t.Errorf("the first column does not come at once: %q", out.String())
		}
		_ = c.Push(1, "3;")
		_ = c.Finish(1, "1 tok, 4.0 steps/tok, 3.0 tok/s")
		_ = c.Push(0, "a?3;")
		_ = c.Finish(0, "2 tok, 1.0 steps/tok, 9.0 tok/s")
		if err := c.Close(); err != nil || out.String() != want {
			t.Errorf("size %v: %v, got\n%s\nwant\n%s", size, err, out.String(), want)
		}
	}
}

// Interrupted, both forms leave what came so far.
func TestCompareScreenInterrupted(t *testing.T) {
	var out strings.Builder
	s := NewStreams(nil, &out, &out, noEnv)
	c := sideBySideOf(s, []string{"r = 1", "r = 4"}, summaryOf(0), 0, 0)
	_ = c.Push(0, "one")
	_ = c.Push(1, "two")
	if err := c.Close(); err != nil || out.String() != "r = 1\none\n\nr = 4\ntwo\n" {
		t.Errorf("%v, %q", err, out.String())
	}
	out.Reset()
	c = sideBySideOf(s, []string{"r = 1", "r = 4"}, summaryOf(0), 80, 24)
	_ = c.Push(0, "one")
	if err := c.Close(); err != nil || !strings.Contains(out.String(), "one") || !strings.HasSuffix(out.String(), "\x1b[?25h") {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestCompareScreenWriteError(t *testing.T) {
	s := NewStreams(nil, fullDisk{}, fullDisk{}, noEnv)
	for _, width := range []int{0, 80} {
		c := sideBySideOf(s, []string{"r = 1"}, summaryOf(0), width, 24)
		if err := c.Push(0, "one"); err == nil {
			t.Error("push: no error")
		}
		if err := c.Close(); err == nil {
			t.Error("close: no error")
		}
	}
}

func TestCompareWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"the cat sat", 7, "the cat|sat"}, {"the cats sat", 7, "the|cats|sat"}, {"abcdefghij", 4, "abcd|efgh|ij"}, {"日本語", 4, "日本|語"}, {"a\n\nb", 4, "a||b"},
		{"  indented text", 8, "  indent|ed text"}, {"日", 1, "日"}, {"", 4, ""}, {"ab  cd", 3, "ab|cd"},
	} {
		if got := strings.Join(wrapCells(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d columns: %s, want %s", c.text, c.width, got, c.want)
		}
	}
}

// On a terminal that is made narrower the texts follow each other, whole, instead of being drawn over broken lines.
func TestSideBySideNarrowed(t *testing.T) {
	tty, shown := terminal(t, 80)
	s := NewStreams(nil, tty, tty, noEnv)
	s.Color = "never"
	c := NewSideBySide(s, []string{"r = 1", "r = 4"}, summaryOf(0))
	c.frame = 0
	_ = c.Push(0, "one and ")
	_ = c.Push(1, "two and ")
	if !c.live {
		t.Fatal("80 columns are not enough")
	}
	resize(t, tty, 50)
	_ = c.Push(1, "more")
	_ = c.Push(0, "more")
	_ = c.Finish(1, "second")
	_ = c.Finish(0, "first")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := shown(), "\nr = 1\none and more\nfirst\n\nr = 4\ntwo and more\nsecond\n"; !strings.HasSuffix(got, want) {
		t.Errorf("%q does not end in %q", got, want)
	}
}
