package engine

import (
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine/weights"
	"muninn/model/store"
	"muninn/shaders/format"
)

// The weights that one token of the demo reads, counted by hand: width 128, MLP 352, vocabulary 960, 1/2/1 blocks, bf16.
func TestWorkOfDemo(t *testing.T) {
	ck, err := store.Open("demo")
	if err != nil {
		t.Fatal(err)
	}
	defer ck.Close()
	read := func(s checkpoint.Scheme, steps int) uint64 {
		bytes, _ := WorkOf(ck.Config, weights.DeviceFormats(s, ck.Config, ck.Stored)).Pass(1, steps)
		return uint64(bytes)
	}
	const d, m, vocab = 128, 352, 960
	const block = 3*d*d + d*d + 2*m*d + m*d + 4*d + 2*d
	for _, steps := range []int{0, 1, 8} {
		vectors := 4*d + 2*d // float32 on the device, whatever the file has
		want := uint64(2*(block+steps*(2*block+2*d*d)+block+d+vocab*d) + 2*(vectors*(2+2*steps)+d))
		if got := read(checkpoint.Scheme{}, steps); got != want {
			t.Errorf("%d steps: %d bytes, want %d", steps, got, want)
		}
	}
	f32 := checkpoint.Scheme{Quant: format.F32}
	if a, b := read(f32, 8), read(checkpoint.Scheme{}, 8); a < b*19/10 || a > 2*b { // norms keep their format
		t.Errorf("%d bytes in f32, %d in bf16", a, b)
	}
}

// The work of a pass, by hand: a core of 1 layer of width 64 and mlp 128 in bf16, adapter beside it, a head of 32 rows.
func TestWork(t *testing.T) {
	shape, err := arch.ParseShape("64,2,128,32,1,1,1")
	if err != nil {
		t.Fatal(err)
	}
	c := shape.Config
	const layer, adapter, head = 4*64*64 + 3*64*128, 2 * 64 * 64, 32 * 64
	const vectors = 4*64 + 2*64 // of a layer, in float32
	bytes, flops := WorkOf(c, weights.DeviceFormats(checkpoint.Scheme{}, c, RandomStored)).Pass(3, 5)
	if want := 2.0*(2*layer+5*(layer+adapter)+head) + 4*(7*vectors+64); bytes != want {
		t.Errorf("%g bytes, want %g", bytes, want)
	}
	if want := 2.0 * (3*(2*layer+5*(layer+adapter)) + head); flops != want {
		t.Errorf("%g operations, want %g", flops, want)
	}
	two := arch.Config{Family: arch.HRMText, NEmbd: 64, NHeads: 2, HeadDim: 32, NLayersInRecurrentBlock: 2, Cycles: 3, IntermediateSize: 128,
		PaddedVocabSize: 32, Block: arch.BlockForm{Gate: true, Weightless: true}} // the first of its two layers runs three times a step
	if _, got := WorkOf(two, weights.DeviceFormats(checkpoint.Scheme{}, two, RandomStored)).Pass(1, 2); got != 2*(2*4*(5*64*64+3*64*128)+head) {
		t.Errorf("%g operations of stacks that take turns", got)
	}
	c.TieEmbeddings = true // the head is the embedding: read as before
	if tied, _ := WorkOf(c, weights.DeviceFormats(checkpoint.Scheme{}, c, RandomStored)).Pass(3, 5); tied != bytes {
		t.Errorf("%g bytes with a tied head, %g without", tied, bytes)
	}
}
