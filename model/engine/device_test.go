package engine_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/internal/golden"
	"muninn/model/reference"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// models of testdata/goldens with weights: A has 1/2/1 blocks and the widest use of float32, C odd sizes and 2/4/2.
var models = []string{"A-f32", "C-f16"}

// limit is the goldens' own for a float32 engine, absolute, on logits and stages; relative, to the largest value of a row,
// is for the demo model, whose activations reach 40 and whose steps do not contract: float32 differs from the reference by
// up to 2e-5 of a row there.
const limit, relative = 2e-4, 5e-5

func open(t testing.TB, dev *vk.Device, name string, o engine.LoadOptions) *engine.Model {
	t.Helper()
	ck, err := store.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	m, err := engine.Load(ck, dev, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func session(t testing.TB, m *engine.Model, o engine.SessionOptions) *engine.Session {
	t.Helper()
	s, err := m.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func randomTokens(m *engine.Model, n int, seed uint64) []int32 {
	r := rand.New(rand.NewPCG(seed, 1))
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(r.IntN(m.Config.PaddedVocabSize))
	}
	return tokens
}

// continued runs a prompt and then n tokens greedily, or as pick says.
func continued(t testing.TB, s *engine.Session, seq int, prompt []int32, n, steps int, pick *decode.Filters) []int32 {
	t.Helper()
	next := prompt
	var ids []int32
	for range n {
		c, err := s.Prefill(context.Background(), seq, next, steps, pick)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.Token)
		next = []int32{c.Token}
	}
	return ids
}

// logitBits hashes the bits of the last pass's logits.
func logitBits(t testing.TB, s *engine.Session) uint64 {
	t.Helper()
	rows, err := s.Logits()
	if err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	for _, row := range rows {
		for _, v := range row {
			fmt.Fprintf(h, "%08x", math.Float32bits(v))
		}
	}
	return h.Sum64()
}

// asGPU has a software driver taken for a GPU, by whose choices it computes: dot products, norms by several subgroups, tiles.
var asGPU = vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.Type, c.IntegerDotAccelerated = "discrete", true })

// TestGraphMatchesReference compares every named tensor of a pass, in order: the first that differs names the operation.
func TestGraphMatchesReference(t *testing.T) {
	for _, opt := range []vk.Options{{}, asGPU} {
		vktest.EachWith(t, opt, testGraph)
	}
}

func testGraph(t *testing.T, dev *vk.Device) {
	paths := []string{store.DemoName, golden.Model(t, "L-bf16")}
	for _, name := range models {
		paths = append(paths, golden.Model(t, name))
	}
	for _, name := range []string{"H-bf16", "S-bf16", "U-bf16", "W-f16"} {
		paths = append(paths, golden.Path(t, "goldens", "family", "models", name))
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			m := open(t, dev, path, engine.LoadOptions{})
			compareTaps(t, m, path)
		})
	}
}

func compareTaps(t *testing.T, m *engine.Model, path string) {
	tokens := randomTokens(m, 11, 3)
	want := map[string][][]float32{}
	r := openReference(t, path)
	rs, err := r.NewSession(reference.Options{Tap: func(name string, row int, v []float32) { want[name] = append(want[name], v) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rs.Forward([]reference.Input{{Tokens: tokens}}, 3); err != nil {
		t.Fatal(err)
	}
	seen := 0
	if m.Config.FinalNorm == arch.NormEachPass { // on the device, what the last block of a pass gives is normed in the same dispatch
		seen = 3 * len(m.Config.Passes())
	}
	s := session(t, m, engine.SessionOptions{Outputs: 16, MaxSteps: 3, Taps: func(name string, rows [][]float32) {
		if !m.Config.Block.Norms.HasBefore() && (strings.HasSuffix(name, ".norm_1") || strings.HasSuffix(name, ".norm_3")) {
			return // the blocks have none
		}
		seen++
		if len(want[name]) != len(rows) {
			t.Fatalf("%s: %d rows on the device, %d in the reference", name, len(rows), len(want[name]))
		}
		for i := range rows {
			largest := 0.0
			for _, w := range want[name][i] {
				largest = max(largest, math.Abs(float64(w)))
			}
			for j, v := range rows[i] {
				w := float64(want[name][i][j])
				if d := math.Abs(float64(v) - w); !(d <= max(limit, relative*largest)) {
					t.Fatalf("%s, row %d, column %d: %g on the device, %g in the reference", name, i, j, v, w)
				}
			}
		}
	}})
	if _, err := s.ForwardLogits(context.Background(), []engine.Input{{Tokens: tokens}}, 3); err != nil {
		t.Fatal(err)
	}
	if seen != len(want) {
		t.Errorf("%d tensors compared, the reference names %d", seen, len(want))
	}
}

func openReference(t *testing.T, path string) *reference.Model {
	t.Helper()
	ck, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	r, err := reference.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSameBits: neither the cut of the work in submissions, nor of the ops in parts, nor of the matrices in shards, nor the
// way of the weights to the device changes a bit of the logits.
func TestSameBits(t *testing.T) {
	for _, device := range vktest.Names() {
		t.Run(device, func(t *testing.T) {
			tokens := 12
			if shortly(t) {
				tokens = 3
			}
			dispatches := uint64(0) // of the last run
			run := func(o vk.Options, perSubmit int, speed vk.Speed) ([]int32, uint64) {
				dev := vktest.Open(t, device, o)
				if speed != (vk.Speed{}) {
					dev.SetSpeed(speed)
				}
				m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
				s := session(t, m, engine.SessionOptions{MaxSteps: 8, Context: 64, Rows: 16, StepsPerSubmit: perSubmit})
				ids := continued(t, s, 0, randomTokens(m, 9, 5), tokens, 8, nil)
				dispatches = dev.Counters().Dispatches
				return ids, logitBits(t, s)
			}
			ids, bits := run(vk.Options{}, 0, vk.Speed{})
			whole := dispatches
			for _, c := range []struct {
				name      string
				options   vk.Options
				perSubmit int
				speed     vk.Speed
			}{
				{"one step a submission", vk.Options{}, 1, vk.Speed{}},
				{"all steps in one submission", vk.Options{}, 1000, vk.Speed{}},
				{"a device so slow that products and attention are cut", vk.Options{}, 0, vk.Speed{Read: 2e6, FMA: 1e12}},
				{"a device so slow that most parts are a few workgroups", vk.Options{}, 0, vk.Speed{Read: 5e4, FMA: 1e12}},
				{"shards of 1 MiB", vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.MaxStorageBufferRange = 1 << 20 }), 0, vk.Speed{}},
				{"shards of 64 KiB, which cut every matrix and the cache", vktest.Limited(vk.Options{}, func(c *vk.Caps) { c.MaxStorageBufferRange = 64 << 10 }), 0, vk.Speed{}},
				{"staged uploads", vktest.Staged(vk.Options{}), 0, vk.Speed{}},
			} {
				got, gotBits := run(c.options, c.perSubmit, c.speed)
				if c.speed != (vk.Speed{}) && dispatches < 2*whole {
					t.Errorf("%s: %d dispatches, %d uncut", c.name, dispatches, whole)
				}
				if fmt.Sprint(got) != fmt.Sprint(ids) || gotBits != bits {
					t.Errorf("%s: ids %v, logits %x; want %v, %x", c.name, got, gotBits, ids, bits)
				}
			}
		})
	}
}

// TestRepeats: the same seed gives the same ids and logits, 20 times over, also through one session rewound.
func TestRepeats(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "A-f32"), engine.LoadOptions{})
		pick := &decode.Filters{Temperature: 1.2, TopP: 0.95, Seed: 7}
		prompt := randomTokens(m, 5, 2)
		var ids []int32
		var bits uint64
		s := session(t, m, engine.SessionOptions{MaxSteps: 8})
		for i := range 20 {
			if i%5 == 4 {
				s = session(t, m, engine.SessionOptions{MaxSteps: 8})
			}
			s.SetSequence(0, decode.Sequence{Seed: 7, InitScale: 1})
			if err := s.Rewind(0, 0); err != nil {
				t.Fatal(err)
			}
			got := continued(t, s, 0, prompt, 10, 8, pick)
			gotBits := logitBits(t, s)
			if i == 0 {
				ids, bits = got, gotBits
			}
			if fmt.Sprint(got) != fmt.Sprint(ids) || gotBits != bits {
				t.Fatalf("run %d: ids %v, logits %x; first run %v, %x", i, got, gotBits, ids, bits)
			}
		}
		s.SetSequence(0, decode.Sequence{Seed: 8, InitScale: 1})
		if err := s.Rewind(0, 0); err != nil {
			t.Fatal(err)
		}
		pick.Seed = 8
		if got := continued(t, s, 0, prompt, 10, 8, pick); fmt.Sprint(got) == fmt.Sprint(ids) {
			t.Errorf("another seed gives the same ids %v", got)
		}
	})
}

// TestBatch: a sequence's ids and logits are the same alone and beside three others of other lengths.
func TestBatch(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		m := open(t, dev, golden.Model(t, "C-f16"), engine.LoadOptions{})
		prompts := [][]int32{randomTokens(m, 3, 1), randomTokens(m, 17, 2), randomTokens(m, 1, 3), randomTokens(m, 9, 4)}
		batch := session(t, m, engine.SessionOptions{Sequences: 4, MaxSteps: 6, Context: 64})
		next := prompts
		ids := make([][]int32, 4)
		for range 10 {
			var in []engine.Input
			for i, tokens := range next {
				in = append(in, engine.Input{Seq: i, Tokens: tokens})
			}
			choices, err := batch.Forward(context.Background(), in, 6)
			if err != nil {
				t.Fatal(err)
			}
			next = make([][]int32, 4)
			for i, c := range choices {
				ids[i] = append(ids[i], c.Token)
				next[i] = []int32{c.Token}
			}
		}
		for i, prompt := range prompts {
			alone := session(t, m, engine.SessionOptions{MaxSteps: 6, Context: 64})
			alone.SetSequence(0, decode.Sequence{Stream: uint64(i), InitScale: 1})
			if got := continued(t, alone, 0, prompt, 10, 6, nil); fmt.Sprint(got) != fmt.Sprint(ids[i]) {
				t.Errorf("sequence %d: %v alone, %v in the batch", i, got, ids[i])
			}
		}
	})
}
