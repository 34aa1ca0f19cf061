package weights

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/internal/golden"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

const projection = "transformer.core_block.0.mlp.proj.weight" // (NEmbd, IntermediateSize)

// Halves reach the device times a power of two, exactly: f16 weights, and the scales of blocks. Small ones all become normal
// numbers; beside a large one the power is what leaves that finite.
func TestHalvesAreLifted(t *testing.T) {
	vktest.Each(t, func(t *testing.T, dev *vk.Device) {
		for _, quantized := range []format.Type{format.F16, format.Q8_0, format.Q4_0} {
			for _, c := range []struct {
				size, largest float32
				lift          int
			}{{1e-4, 1e-4, 10}, {1e-4, 100, 9}, {1, 60000, 0}} {
				largest := c.largest
				switch quantized { // of which the scale is that
				case format.Q8_0:
					largest *= 127
				case format.Q4_0:
					largest *= 8
				}
				ck, values := withWeights(t, projection, c.size, largest)
				l, mem := &Loader{Ck: ck, Dev: dev}, NewMemory(dev, "test")
				f := Filling{pieces: ck.Config.TensorSpecs().Pieces(arch.PartCore, 0, arch.RoleDown), layout: wholeRow(ck.Config.IntermediateSize)}
				f.matrix = mem.matrix(ck.Config.NEmbd, f.layout.cols, quantized)
				m, s := f.matrix, &f.matrix.Shards[0]
				if err := l.shard(f, s); err != nil {
					t.Fatal(err)
				}
				if s.Lift != c.lift {
					t.Errorf("%s, weights of %g and %g: lifted by 2^%d, want 2^%d", quantized, c.size, largest, s.Lift, c.lift)
				}
				stored := make([]byte, s.Bind.Size())
				if err := dev.Read(s.Bind, stored); err != nil {
					t.Fatal(err)
				}
				liftedFrom(t, quantized, m, values, stored)
				mem.Free()
			}
		}
	})
}

// liftedFrom finds in a shard the halves that the values have in that format, times the shard's power of two.
func liftedFrom(t *testing.T, d format.Type, m shaders.Matrix, values []float32, shard []byte) {
	t.Helper()
	s := m.Shards[0]
	halves, row := shard[s.Span.Size():], int(m.ScaleRowBytes())/2
	_, bytes := d.Block()
	per := format.Block
	if d == format.F16 {
		halves, row, bytes, per = shard, int(m.RowBytes())/2, 2, 1
	}
	for r := range m.Rows {
		padded := make([]float32, (m.Cols+per-1)/per*per)
		copy(padded, values[r*m.Cols:][:m.Cols])
		encoded := make([]byte, d.Bytes(int64(len(padded))))
		if err := (checkpoint.TensorInfo{}).Encode(encoded, d, padded, 0); err != nil {
			t.Fatal(err)
		}
		for i := range len(padded) / per {
			want := math.Ldexp(float64(format.F16ToF32(binary.LittleEndian.Uint16(encoded[i*bytes:]))), s.Lift)
			got := float64(format.F16ToF32(binary.LittleEndian.Uint16(halves[2*(r*row+i):])))
			if got != want || got != 0 && math.Abs(got) < 0x1p-14 && s.Lift == 10 {
				t.Fatalf("%s: half %d of row %d is %g on the device, want %g", d, i, r, got, want)
			}
		}
	}
}

// withWeights is a golden model of which one tensor has other weights: of a size, and the first of them larger.
func withWeights(t *testing.T, name string, size, first float32) (*checkpoint.Checkpoint, []float32) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(golden.Path(t, "goldens", "models", "A-f32"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "model.safetensors")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	n := int(binary.LittleEndian.Uint64(b))
	if err := json.Unmarshal(b[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	at := header[name].Offsets
	data := b[8+n:][at[0]:at[1]]
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = size * float32(math.Cos(float64(i)))
		if i == 0 {
			values[i] = first
		}
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(values[i]))
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	ck, err := checkpoint.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ck.Close() })
	return ck, values
}
