package weights

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/internal/golden"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// rowsOf are rows of a tensor, from first to last.
type rowsOf struct {
	tensor      string
	first, last int
}

// Other families' weights reach the device in the order that the passes take them in, whichever way they are stored, and take what a
// tally counts.
func TestFamilyWeights(t *testing.T) {
	const ouro, hrm, olmo = "model.layers.3.", "model.H_module.layers.1.", "transformer.prelude.1."
	for name, qkv := range map[string][]rowsOf{
		"W-f16":  {{ouro + "self_attn.q_proj.weight", 0, 96}, {ouro + "self_attn.k_proj.weight", 0, 48}, {ouro + "self_attn.v_proj.weight", 0, 48}},
		"H-bf16": {{hrm + "attn.gqkv_proj.weight", 64, 256}, {hrm + "attn.gqkv_proj.weight", 0, 64}},
		"S-bf16": {{olmo + "attn.Wqkv.weight", 0, 128}},
	} {
		vktest.Each(t, func(t *testing.T, dev *vk.Device) {
			ck, err := checkpoint.OpenFolder(golden.Path(t, "goldens", "family", "models", name))
			if err != nil {
				t.Fatal(err)
			}
			defer ck.Close()
			formats := func(arch.TensorSpec) format.Type { return format.F32 }
			mem := NewMemory(dev, "test")
			defer mem.Free()
			w, fillings := Lay(mem, ck.Config, formats)
			l := &Loader{Ck: ck, Dev: dev}
			for _, f := range fillings {
				if err := l.Load(f); err != nil {
					t.Fatal(err)
				}
			}
			if mem.Err != nil {
				t.Fatal(mem.Err)
			}
			count := CountMemory(dev.Caps(), dev.Caps().NewTally())
			if Lay(count, ck.Config, formats); count.Err != nil || count.Arena.Asked() != mem.Arena.Asked() {
				t.Errorf("%d bytes counted, %d taken; %v", count.Arena.Asked(), mem.Arena.Asked(), count.Err)
			}
			b := w.Core[len(w.Core)-1]
			if name == "S-bf16" {
				b = w.Prelude[1]
			}
			got, want := matrixRows(t, dev, b.Wqkv), [][]float32(nil)
			for _, r := range qkv {
				want = append(want, tensorRows(t, ck, r)...)
			}
			if !slices.EqualFunc(got, want, slices.Equal[[]float32]) {
				t.Errorf("%s: Wqkv of %d rows, want %d, or others", name, len(got), len(want))
			}
			familyVectors(t, dev, ck, w, b, name)
		})
	}
}

// familyVectors checks what is special about each family's vectors.
func familyVectors(t *testing.T, dev *vk.Device, ck *checkpoint.Checkpoint, w Weights, b Block, name string) {
	t.Helper()
	same := func(s vk.Span, tensor string) {
		t.Helper()
		info, _ := ck.Tensor(tensor)
		want := make([]float32, info.DType.Elements(info.Bytes))
		if err := ck.ReadF32(tensor, want, 0); err != nil {
			t.Fatal(err)
		}
		if got := floats(t, dev, s); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", tensor, got[:1], want[:1])
		}
	}
	switch name {
	case "W-f16":
		same(b.Norm1, "model.layers.3.input_layernorm.weight")
		same(b.Norm2, "model.layers.3.input_layernorm_2.weight")
		same(b.Norm3, "model.layers.3.post_attention_layernorm.weight")
		same(b.Norm4, "model.layers.3.post_attention_layernorm_2.weight")
		same(w.ExitGate, "model.early_exit_gate.weight")
		same(w.ExitGateBias, "model.early_exit_gate.bias")
		same(w.LnF, "model.norm.weight")
	case "S-bf16":
		same(b.Norm2, "transformer.prelude.1.norm_1.weight")
		same(b.Norm4, "transformer.prelude.1.norm_2.weight")
		same(b.QNorm, "transformer.prelude.1.attn.q_norm.weight")
		same(b.KNorm, "transformer.prelude.1.attn.k_norm.weight")
		if !b.Norm1.IsZero() || !b.Norm3.IsZero() {
			t.Error("norms before attention or MLP in the OLMo form")
		}
	case "H-bf16":
		same(w.Second, "model.z_L_init")
		if got := floats(t, dev, b.Norm1); b.Norm1 != b.Norm3 || b.Norm1 != w.LnF || !b.Norm2.IsZero() || slices.Max(got) != 1 || slices.Min(got) != 1 {
			t.Errorf("norms without weights: %+v, %+v, %v", b, w.LnF, got[:1])
		}
	}
}

func floats(t *testing.T, dev *vk.Device, s vk.Span) []float32 {
	t.Helper()
	b := make([]byte, s.Size())
	if err := dev.Read(s, b); err != nil {
		t.Fatal(err)
	}
	return BytesToFloats(b)
}

// matrixRows reads a matrix of float32 back.
func matrixRows(t *testing.T, dev *vk.Device, m shaders.Matrix) (rows [][]float32) {
	t.Helper()
	for _, s := range m.Shards {
		for row := range slices.Chunk(floats(t, dev, s.Span), m.Format.Padded(m.Cols)) {
			rows = append(rows, row[:m.Cols])
		}
	}
	return rows[:m.Rows]
}

func tensorRows(t *testing.T, ck *checkpoint.Checkpoint, r rowsOf) [][]float32 {
	t.Helper()
	info, ok := ck.Tensor(r.tensor)
	if !ok {
		t.Fatal(r.tensor)
	}
	cols := info.Shape[1]
	v := make([]float32, (r.last-r.first)*cols)
	if err := ck.ReadF32(r.tensor, v, int64(r.first*cols)); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(v, cols))
}

// The table of rope has the angles of the family's own frequencies, whatever pieces it is filled in.
func TestRopeTable(t *testing.T) {
	for _, dir := range []string{"models/L-bf16", "family/models/W-f16"} {
		ck, err := checkpoint.OpenFolder(filepath.Join(golden.Path(t, "goldens"), dir))
		if err != nil {
			t.Fatal(err)
		}
		c := ck.Config
		ck.Close()
		table, fill := make([]byte, c.BlockSize*c.HeadDim*4), RopeTable(c)
		for off := 0; off < len(table); off += 1024 {
			if err := fill(uint64(off), table[off:min(off+1024, len(table))]); err != nil {
				t.Fatal(err)
			}
		}
		for at, got := range slices.Collect(slices.Chunk(BytesToFloats(table), 2)) {
			cos, sin := c.RopeAngle(at/(c.HeadDim/2), at%(c.HeadDim/2))
			if math.Abs(cos-float64(got[0])) > 1e-7 || math.Abs(sin-float64(got[1])) > 1e-7 {
				t.Fatalf("%s: entry %d is %v, want %g, %g", dir, at, got, cos, sin)
			}
		}
	}
}
