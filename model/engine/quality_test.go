package engine_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// qualitySteps are the depths at which narrower weights are held against f32. Errors of the weights act anew at each.
var qualitySteps = []int{4, 8, 16, 32, 64}

// qualityLimits are the largest mean KL to f32, in nats: what plain rounding gives at worst. The demo model is stored in bf16,
// which f16 holds but for its smallest weights.
var qualityLimits = []struct {
	quant string
	kl    float64
}{{"f16", 1e-9}, {"q8_0", 3e-7}, {"q4_0", 7e-5}}

// answers are what a model says after the questions of the problems, by depth: logits by problem.
type answers map[int][][]float32

// TestQuality holds narrow weights against f32 on drawn problems: the divergence of what they say next, the distance of
// their logits, and how many they get right. MUNINN_TEST_PROBLEMS=36 measures more than the few problems of a test.
func TestQuality(t *testing.T) {
	n := testSize(t, "MUNINN_TEST_PROBLEMS", 8, 2)
	rng := demo.Rand(4)
	problems := make([]demo.Problem, n)
	for i := range problems {
		var err error
		if problems[i], err = demo.Draw(rng, 5*i%(demo.MaxHops+1)); err != nil {
			t.Fatal(err)
		}
	}
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	truth := answer(t, dev, "f32", problems)
	table := &strings.Builder{}
	fmt.Fprintln(table, "| weights | r | KL to f32 | largest | rms of logits | right | f32 right |\n|---|---:|---:|---:|---:|---:|---:|")
	for _, c := range qualityLimits {
		got := answer(t, dev, c.quant, problems)
		at := map[int][]float64{}
		for _, r := range qualitySteps {
			var rms float64
			for i := range problems {
				at[r] = append(at[r], divergence(truth[r][i], got[r][i]))
				rms += distance(truth[r][i], got[r][i]) / float64(n)
			}
			right, wanted := rightAt(t, problems, r, got[r]), rightAt(t, problems, r, truth[r])
			kl := mean(at[r])
			fmt.Fprintf(table, "| %s | %d | %.1e | %.1e | %.2e | %.1f %% | %.1f %% |\n", c.quant, r, kl, slices.Max(at[r]), rms, right, wanted)
			if !(kl < c.kl) {
				t.Errorf("%s at r=%d: KL %.2e, want below %.0e", c.quant, r, kl, c.kl)
			}
			if right < wanted-1 {
				t.Errorf("%s at r=%d: %.1f %% right, f32 has %.1f: more than a point lost", c.quant, r, right, wanted)
			}
		}
		// A few problems carry most of a mean, so the depths are compared problem by problem: two standard errors of the
		// differences are what chance does.
		differences := make([]float64, n)
		for i := range differences {
			differences[i] = at[64][i] - at[8][i]
		}
		growth, chance := mean(differences), 2*standardError(differences)
		if growth > chance+1e-9 {
			t.Errorf("%s: KL grows by %.2e from r=8 to r=64, by chance up to %.2e", c.quant, growth, chance)
		}
		t.Logf("%s: KL from r=8 to r=64 %+.2e, two standard errors %.2e", c.quant, growth, chance)
	}
	t.Logf("%d problems on %s\n%s", n, dev.Caps().Name, table)
}

// answer runs every problem at every depth, from the same initial states whatever the weights.
func answer(t *testing.T, dev *vk.Device, quant string, problems []demo.Problem) answers {
	t.Helper()
	const side = 8
	m := open(t, dev, store.DemoName, floats(scheme(t, quant, "")))
	defer m.Close()
	all := answers{}
	for _, r := range qualitySteps {
		s, err := m.NewSession(engine.SessionOptions{Sequences: side, Context: 48, Rows: side * 48, MaxSteps: r})
		if err != nil {
			t.Fatal(err)
		}
		for group := range slices.Chunk(problems, side) {
			var in []engine.Input
			for i, p := range group {
				ids, err := m.EncodePrompt(p.Text(), false)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Rewind(i, 0); err != nil {
					t.Fatal(err)
				}
				in = append(in, engine.Input{Seq: i, Tokens: ids})
			}
			if _, err := s.Forward(context.Background(), in, r); err != nil {
				t.Fatal(err)
			}
			logits, err := s.Logits()
			if err != nil || len(logits) != len(group) {
				t.Fatalf("%d rows of logits, %v", len(logits), err)
			}
			all[r] = append(all[r], logits...)
		}
		s.Close()
	}
	return all
}

// rightAt is how many of the problems' next tokens are what the model was trained to say at depth r, in percent.
func rightAt(t *testing.T, problems []demo.Problem, r int, logits [][]float32) float64 {
	t.Helper()
	ck, err := store.Open(store.DemoName)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	text, err := ck.Text()
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, p := range problems {
		best := slices.Index(logits[i], slices.Max(logits[i]))
		if string(text.Tokenizer.Bytes(int32(best))) == p.At(r) {
			right++
		}
	}
	return 100 * float64(right) / float64(len(problems))
}

// divergence is KL(p || q) of the distributions that two rows of logits stand for, in nats.
func divergence(p, q []float32) float64 {
	a, b := logSoftmax(p), logSoftmax(q)
	var kl float64
	for i := range a {
		kl += math.Exp(a[i]) * (a[i] - b[i])
	}
	return kl
}

func logSoftmax(logits []float32) []float64 {
	peak, sum := float64(slices.Max(logits)), 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - peak)
	}
	out := make([]float64, len(logits))
	for i, x := range logits {
		out[i] = float64(x) - peak - math.Log(sum)
	}
	return out
}

// distance is the root of the mean square of the difference of two rows.
func distance(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += math.Pow(float64(a[i])-float64(b[i]), 2)
	}
	return math.Sqrt(sum / float64(len(a)))
}

func mean(list []float64) (m float64) {
	for _, x := range list {
		m += x / float64(len(list))
	}
	return m
}

func standardError(list []float64) float64 {
	m, n := mean(list), float64(len(list))
	var sum float64
	for _, x := range list {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / (n - 1) / n)
}

// shortly tells whether a test takes its short form: for -short, and in a subtest of a driver after the first.
func shortly(t *testing.T) bool {
	name, _, _ := strings.Cut(t.Name(), "#") // of a driver that it takes in another way once more
	return testing.Short() || slices.ContainsFunc(vktest.Names()[1:], func(device string) bool { return strings.HasSuffix(name, "/"+device) })
}

// testSize is the number in an environment variable, which makes a test longer than it usually is; in its short form the least.
func testSize(t *testing.T, name string, usual, least int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" && shortly(t) {
		return least
	}
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		t.Fatalf("%s=%s: want a number from %d on", name, text, least)
	}
	return n
}
