package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/reference"
	"muninn/model/tokenizer"
	"muninn/shaders/format"
)

// written makes a checkpoint in a fresh folder.
func written(t *testing.T, o options) string {
	t.Helper()
	o.out = filepath.Join(t.TempDir(), "out")
	if err := write(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.out
}

func write(ctx context.Context, o options) error {
	p, err := o.plan()
	if err != nil {
		return err
	}
	return p.write(ctx, o.out, func(int) {})
}

func small() options {
	return options{shape: "tiny", dtype: "bf16", shardSize: "5GB", seed: 1, blockSize: 128}
}

func opened(t *testing.T, dir string) *checkpoint.Checkpoint {
	t.Helper()
	c, err := checkpoint.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The point of the recipe: states settle, after some steps but not at once.
func TestContracts(t *testing.T) {
	for _, shape := range []string{"tiny", "96,4,256,512,2,4,2", "192,2,640,512,2,4,2"} {
		o := small()
		o.shape = shape
		ref, err := reference.New(opened(t, written(t, o)))
		if err != nil {
			t.Fatal(err)
		}
		tokens := []int32{5, 117, 300, 42, 42, 260, 7, 199}
		const steps = 48
		states := make([][steps + 1][]float32, len(tokens))
		session, err := ref.NewSession(reference.Options{Tap: func(name string, row int, v []float32) {
			var n int
			if _, err := fmt.Sscanf(name, "state.r%d", &n); err == nil {
				states[row][n] = slices.Clone(v)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Forward([]reference.Input{{Tokens: tokens}}, steps); err != nil {
			t.Fatal(err)
		}
		var line []string
		for row := range tokens {
			settled := 0
			for n := 2; n <= steps; n++ {
				if change(states[row][n], states[row][n-1]) >= 0.03 {
					settled = n + 1
				}
			}
			line = append(line, fmt.Sprint(settled))
			if settled < 5 || settled > 30 {
				t.Errorf("%s: row %d changes by less than 0.03 from step %d on, want 5 to 30", shape, row, settled)
			}
		}
		t.Logf("%s: settled at step %s", shape, strings.Join(line, " "))
	}
}

// change is norm(a-b)/norm(a).
func change(a, b []float32) float64 {
	var d, n float64
	for i := range a {
		d += float64(a[i]-b[i]) * float64(a[i]-b[i])
		n += float64(a[i]) * float64(a[i])
	}
	return math.Sqrt(d / n)
}

// The same seed gives the same bytes, on one core or many, in one file or in shards; another seed gives others.
func TestReproducible(t *testing.T) {
	base := small()
	one := written(t, base)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	again := written(t, base)
	a, errA := os.ReadFile(filepath.Join(one, "model.safetensors"))
	b, errB := os.ReadFile(filepath.Join(again, "model.safetensors"))
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two runs differ")
	}
	sharded, other := base, base
	sharded.shardSize, other.seed = "100KB", 2
	want, shards, others := opened(t, one), opened(t, written(t, sharded)), opened(t, written(t, other))
	for _, info := range want.Tensors() {
		v, s, o := make([]byte, info.Bytes), make([]byte, info.Bytes), make([]byte, info.Bytes)
		if err := errors.Join(want.ReadAt(info.Name, v, 0), shards.ReadAt(info.Name, s, 0), others.ReadAt(info.Name, o, 0)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(v, s) {
			t.Errorf("%s differs in shards", info.Name)
		}
		if bytes.Equal(v, o) {
			t.Errorf("%s is the same for another seed", info.Name)
		}
	}
}

// Whatever pieces a tensor is made in, it is the same, odd row lengths and halves of rows included.
func TestFillInPieces(t *testing.T) {
	c := arch.Config{NEmbd: 6}
	for _, dtype := range []format.Type{format.F32, format.F16, format.BF16} {
		for name, role := range map[string]arch.Role{arch.NameAdapter: arch.RoleAdapter, arch.NameEmbedding: arch.RoleEmbedding} {
			src := newSource(c, arch.TensorSpec{Name: name, Role: role, Shape: []int{7, 12}}, dtype, 9)
			whole := make([]byte, 12*7*src.size)
			src.fill(whole, 0)
			for piece := 1; piece < 31; piece++ {
				var got []byte
				for first := 0; first < 12*7; first += piece {
					part := make([]byte, min(piece, 12*7-first)*src.size)
					src.fill(part, int64(first))
					got = append(got, part...)
				}
				if !bytes.Equal(got, whole) {
					t.Errorf("%s %s in pieces of %d differs", dtype, name, piece)
				}
			}
		}
	}
}

func TestDistribution(t *testing.T) {
	o := small()
	o.dtype = "f32"
	c := opened(t, written(t, o))
	d := c.Config.NEmbd
	v := make([]float32, d*2*d)
	if err := c.ReadF32(arch.NameAdapter, v, 0); err != nil {
		t.Fatal(err)
	}
	var sum, left, right float64
	for i, x := range v {
		sum += float64(x)
		if i%(2*d) < d {
			left += float64(x) * float64(x)
		} else {
			right += float64(x) * float64(x)
		}
	}
	// 4096 draws a half: the deviation is known to about 1.1 %, so 5 % is over four of its own deviations.
	n := float64(d * d)
	for name, pair := range map[string][2]float64{
		"state half":     {math.Sqrt(left/n) * math.Sqrt(float64(d)), stateGain},
		"injection half": {math.Sqrt(right/n) * math.Sqrt(float64(d)), injectionGain},
	} {
		if math.Abs(pair[0]/pair[1]-1) > 0.05 {
			t.Errorf("%s has gain %.3f, want %.3f", name, pair[0], pair[1])
		}
	}
	if mean := sum / (2 * n); math.Abs(mean) > 0.006 { // four deviations of the mean: 4 * 0.09 / sqrt(8192) = 0.004
		t.Errorf("mean %.5f", mean)
	}
}

// Stopped midway, nothing is left that opens, and nothing else is left either.
func TestInterrupted(t *testing.T) {
	o := small()
	o.out = filepath.Join(t.TempDir(), "out")
	p, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int64
	err = p.write(ctx, o.out, func(n int) {
		if seen.Add(int64(n)) > p.bytes()/2 {
			if _, err := checkpoint.OpenFolder(o.out); !errors.Is(err, checkpoint.ErrModel) {
				t.Errorf("opening half of it: %v", err)
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v, want context.Canceled", err)
	}
	left, err := os.ReadDir(o.out)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestRefusals(t *testing.T) {
	full := written(t, small())
	for want, change := range map[string]func(o *options){
		"already holds config.json": func(o *options) { o.out = full },
		"give --out DIR":            func(o *options) { o.out = "" },
		"the seven numbers":         func(o *options) { o.shape = "big" },
		"is no whole number":        func(o *options) { o.shape = "64,2,160,384,1,2,x" },
		"n_heads 3":                 func(o *options) { o.shape = "64,3,160,384,1,2,1" },
		"a vocabulary of 261":       func(o *options) { o.shape = "64,2,160,261,1,2,1" },
		"want bf16, f16 or f32":     func(o *options) { o.dtype = "q8_0" },
		"is not a size":             func(o *options) { o.shardSize = "-1GB" },
	} {
		o := small()
		o.out = filepath.Join(t.TempDir(), "out")
		change(&o)
		if err := write(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Text survives the tokenizer, and Huginn's vocabulary has Huginn's special ids.
func TestTokenizer(t *testing.T) {
	for vocab, bos := range map[int]int32{384: 378, 65536: 65504, 65510: 65504, 65509: 65503} {
		data, err := tokenizerJSON(vocab, specialTokens)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := tok.ID("<|begin_text|>"); !ok || id != bos {
			t.Errorf("vocabulary %d: begin_text is %d, want %d", vocab, id, bos)
		}
		for id := range int32(vocab) {
			if _, ok := tok.Token(id); !ok && id < bos+6 {
				t.Fatalf("vocabulary %d: id %d means nothing", vocab, id)
			}
		}
		const text = "The raven said: \"näver möre\" 42 times.\n"
		ids, err := tok.Encode(text, tokenizer.EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if back, err := tok.Decode(ids, false); err != nil || back != text {
			t.Errorf("vocabulary %d: %q comes back as %q, %v", vocab, text, back, err)
		}
	}
}
