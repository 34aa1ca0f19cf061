package reference

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/internal/golden"
	"muninn/shaders/plain"
)

// refTolerance: the goldens' own float32 sums differ from exact ones by up to 1e-4 (logits spread over 2 to 4).
const refTolerance = 2e-4

func openReference(t *testing.T, name string) *Model {
	t.Helper()
	ck, err := checkpoint.OpenFolder(golden.Model(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	r, err := New(ck)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func refSession(t *testing.T, r *Model, o Options) *Session {
	t.Helper()
	s, err := r.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refForward(t *testing.T, s *Session, steps int, inputs ...Input) [][]float32 {
	t.Helper()
	logits, err := s.Forward(inputs, steps)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

func worstOfRows(got, want [][]float32) float64 {
	if len(got) != len(want) {
		return float64(1 << 30)
	}
	worst := 0.0
	for i := range got {
		worst = max(worst, golden.Worst(got[i], want[i]))
	}
	return worst
}

func stateRows(rows [][]float32) func(pos int) []float32 {
	return func(pos int) []float32 { return rows[pos] }
}

// TestReferenceStages compares every tensor of a pass that the golden file has, by name.
func TestReferenceStages(t *testing.T) {
	golden := golden.Tensors(t, "forward", "A")
	tokens := []int32{459, 306, 49, 287, 260, 69, 363} // len7 of testdata/goldens/forward/A.json
	taps := map[string][][]float32{}
	s := refSession(t, openReference(t, "A-f32"), Options{Tap: func(name string, row int, v []float32) {
		if row != len(taps[name]) {
			t.Errorf("tap %s: row %d after %d rows", name, row, len(taps[name]))
		}
		taps[name] = append(taps[name], v)
	}})
	s.SetSequence(0, decode.Sequence{States: stateRows(golden["len7.state"])})
	logits := refForward(t, s, 32, Input{Tokens: tokens})
	if worst := worstOfRows(logits, golden["len7.r32.logits"]); worst > refTolerance {
		t.Errorf("logits off by %g", worst)
	}
	compared := 0
	for name, want := range golden {
		rest, ok := strings.CutPrefix(name, "len7.")
		if !ok || strings.HasSuffix(name, "logits") || rest == "state" {
			continue
		}
		got, ok := taps[strings.TrimPrefix(rest, "r32.")]
		if !ok {
			t.Errorf("no tap for %s", name)
			continue
		}
		compared++
		if worst := worstOfRows(got, want); worst > refTolerance {
			t.Errorf("%s off by %g", name, worst)
		}
	}
	if compared < 50 {
		t.Errorf("only %d tensors compared: %v", compared, slices.Sorted(maps.Keys(golden)))
	}
}

// TestReferenceSplits: how tokens are grouped into passes and sequences changes nothing, and neither does going back.
func TestReferenceSplits(t *testing.T) {
	r := openReference(t, "C-f16")
	tokens := []int32{5, 1000, 3, 77, 250, 12, 9, 640}
	for _, lookup := range []string{"full", "latest-m4", "always-last-m4-compress-s8", "compress-anchor"} {
		l, err := decode.ParseLookup(lookup, r.Config.NLayersInRecurrentBlock)
		if err != nil {
			t.Fatal(err)
		}
		whole := refForward(t, refSession(t, r, Options{Lookup: l}), 3, Input{Tokens: tokens})
		again := func(logits [][]float32, from int) {
			t.Helper()
			// Uncompressed, the sums are the same ones in the same order; a compressed cache holds the last step
			// written for older positions, so only passes of the same split may agree there.
			if l.Period == decode.Uncompressed || l.Stored(3) == 3 {
				if diff := cmp.Diff(whole[from:], logits); diff != "" {
					t.Errorf("%s: rows from %d changed", lookup, from)
				}
			}
		}
		s := refSession(t, r, Options{Lookup: l})
		s.SetSequence(1, decode.Sequence{Stream: 0, InitScale: 1})
		for i := 0; i < 4; i += 2 {
			both := refForward(t, s, 3, Input{0, tokens[i : i+2]}, Input{1, tokens[i : i+2]})
			again(slices.Concat(both[:2], whole[i+2:]), i)
			if diff := cmp.Diff(both[:2], both[2:]); diff != "" {
				t.Errorf("%s: two sequences of the same tokens and stream differ", lookup)
			}
		}
		refForward(t, s, 9, Input{0, []int32{1, 2, 3}}) // deeper, then dropped again
		if err := s.Rewind(0, 4); err != nil {
			t.Fatal(err)
		}
		again(refForward(t, s, 3, Input{0, tokens[4:]}), 4)
		if got := s.Pos(0); got != len(tokens) {
			t.Errorf("%s: position %d, want %d", lookup, got, len(tokens))
		}
	}
}

// TestReferenceStored: positions by slot after passes of different depth, the middle one without any core step.
func TestReferenceStored(t *testing.T) {
	r := openReference(t, "A-f32")
	for lookup, want := range map[string]string{"latest-m4": "[6 5 2 2 2 0]", "compress-s4": "[6 5 0 0 0 0]"} {
		l, err := decode.ParseLookup(lookup, r.Config.NLayersInRecurrentBlock)
		if err != nil {
			t.Fatal(err)
		}
		s := refSession(t, r, Options{Lookup: l})
		refForward(t, s, 2, Input{Tokens: []int32{1, 2, 3}})
		refForward(t, s, 0, Input{Tokens: []int32{4}})
		refForward(t, s, 5, Input{Tokens: []int32{5, 6}})
		refForward(t, s, 1, Input{Tokens: []int32{7}})
		var got []int
		for slot := range 6 {
			got = append(got, s.Stored(0, 1, slot))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: positions by slot %v, want %s", lookup, got, want)
		}
	}
}

// TestReferenceContinuousCompute: a decoded token starts from the previous token's state after ln_f, which going back drops.
func TestReferenceContinuousCompute(t *testing.T) {
	r := openReference(t, "A-f32")
	taps := map[string][]float32{}
	s := refSession(t, r, Options{Tap: func(name string, _ int, v []float32) { taps[name] = v }})
	s.SetSequence(0, decode.Sequence{InitScale: 1, ContinuousCompute: true})
	refForward(t, s, 2, Input{Tokens: []int32{1, 2, 3}})
	last := taps["lnf_state"]
	refForward(t, s, 2, Input{Tokens: []int32{4}})
	if !slices.Equal(taps["state.r0"], last) {
		t.Error("the decoded token did not start from the last state after ln_f")
	}
	if err := s.Rewind(0, 3); err != nil {
		t.Fatal(err)
	}
	refForward(t, s, 2, Input{Tokens: []int32{4}})
	if !slices.Equal(taps["state.r0"], narrow(normals(r.Config, decode.Sequence{InitScale: 1}, plain.KindInitial, 3, 0))) {
		t.Error("after going back the token did not start from its own state")
	}
}

func TestReferenceRefuses(t *testing.T) {
	r := openReference(t, "A-f32")
	short := func(int) []float32 { return make([]float32, 3) }
	for name, c := range map[string]struct {
		tokens []int32
		steps  int
		states func(int) []float32
		want   string
	}{
		"negative steps":  {[]int32{1}, -1, nil, "num_steps is -1"},
		"token too large": {[]int32{1, 512}, 1, nil, "the vocabulary has 512"},
		"token negative":  {[]int32{-1}, 1, nil, "the vocabulary has 512"},
		"too many tokens": {make([]int32, 5), 1, nil, "its context holds 4"},
		"state too short": {[]int32{1}, 1, short, "has 3 elements, want 64"},
	} {
		s := refSession(t, r, Options{Context: 4})
		s.SetSequence(0, decode.Sequence{States: c.states})
		_, err := s.Forward([]Input{{0, c.tokens}}, c.steps)
		if err == nil || !strings.HasPrefix(err.Error(), "model: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if errors.Is(err, decode.ErrContextFull) != (name == "too many tokens") {
			t.Errorf("%s: error %v and ErrContextFull", name, err)
		}
		if s.Pos(0) != 0 {
			t.Errorf("%s: %d tokens were kept", name, s.Pos(0))
		}
	}
	if err := refSession(t, r, Options{}).Rewind(0, 1); err == nil {
		t.Error("a rewind past the end was accepted")
	}
}
