package fit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/engine/weights"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/recorded"
)

// huginn is the shape of the published model, stored in bf16.
var huginn = storedAs(format.BF16, format.BF16)

func storedAs(d format.Type, f format.Type) Model {
	return Model{Config: shape, Stored: f, Formats: func(quant *format.Type) weights.Formats {
		var s checkpoint.Scheme
		if quant != nil {
			s.Quant = *quant
		}
		return weights.DeviceFormats(s, shape, func(string) format.Type { return d })
	}}
}

var shape = arch.Config{
	NEmbd: 5280, NHeads: 55, HeadDim: 96, NLayersInPrelude: 2, NLayersInRecurrentBlock: 4, NLayersInCoda: 2,
	IntermediateSize: 17920, VocabSize: 65536, PaddedVocabSize: 65536, BlockSize: 4096, MeanRecurrence: 32,
	RopeBase: 50000, NormEps: 1e-6, TieEmbeddings: true, QKBias: true,
}

// What is chosen for the published model on real devices. Its weights take 6.6 GiB in bf16, 3.6 in q8_0, 2.1 in q4_0; the
// cache of 4096 positions 10.6 GiB in f16 with a slot for each of 32 steps, 1.6 with compress-s16, half of that in q8.
func TestRecordedDevices(t *testing.T) {
	for _, c := range []struct {
		device, want string
	}{
		// 4 GB cards, 3.3 GiB of it free beside a desktop: q4_0 is the only format whose weights leave room for a cache,
		// and the whole context fits once the cache is compressed and in 8 bits.
		{"NVIDIA GeForce GTX 1650", "q4_0 latest-m4-compress-s16 q8 4096"},
		{"NVIDIA GeForce RTX 2050", "q4_0 latest-m4-compress-s16 q8 4096"},
		// A 4 GB card of which the desktop holds a third: 2.4 GiB. The weights leave 0.2 for everything else: one slot,
		// and a quarter of the context.
		{"AMD Radeon RX 470 Graphics (RADV POLARIS10)", "q4_0 latest-m4-compress-s4 q8 1024"},
		// 6 GB: q8_0, as good as the original, fits with the cache in 8 bits; in f16 it does not.
		{"NVIDIA GeForce GTX 1660", "q8_0 latest-m4-compress-s16 q8 4096"},
		// 8 GB: q8_0 with the cache in f16, and 2 GiB to spare; bf16 weights alone would fill the card.
		{"NVIDIA GeForce RTX 4060", "q8_0 latest-m4-compress-s16 f16 4096"},
		{"AMD Radeon RX 6600", "q8_0 latest-m4-compress-s16 f16 4096"},
		// 11 and 12 GB: the weights as they are, the cache compressed.
		{"NVIDIA GeForce GTX 1080 Ti", "bf16 latest-m4-compress-s16 f16 4096"},
		{"NVIDIA GeForce RTX 3060", "bf16 latest-m4-compress-s16 f16 4096"},
		{"AMD Radeon RX 6700 XT", "bf16 latest-m4-compress-s16 f16 4096"},
		// 16 GB: a slot for every step too, in 8 bits.
		{"Intel(R) Arc(tm) A770 Graphics (DG2)", "bf16 latest-m4 q8 4096"},
		// 24 GB: nothing is given up.
		{"NVIDIA GeForce RTX 3090", "bf16 latest-m4 f16 4096"},
		// Integrated: what counts is the budget, not the heap. 4.6 of 5.2 GiB; 5.3 of 7.6; 7.2 of 7.9; 7.5 of 7.9.
		{"AMD Radeon Graphics (RADV RENOIR)", "q8_0 latest-m4-compress-s16 f16 4096"},
		{"Intel(R) Iris(R) Xe Graphics (RPL-U)", "q8_0 latest-m4-compress-s16 q8 4096"},
		{"Intel(R) Iris(R) Xe Graphics", "q8_0 latest-m4-compress-s16 f16 4096"},
		{"AMD Radeon(TM) Graphics", "bf16 latest-m4-compress-s16 f16 4096"},
		// Metal lends two thirds of a 16 GB Mac, 10.7 GiB, to the GPU, and most of a 64 GB one.
		{"Apple M2", "bf16 latest-m4-compress-s16 f16 4096"},
		{"Apple M3 Max", "bf16 latest-m4 f16 4096"},
	} {
		caps, err := recorded.Find(c.device)
		if err != nil {
			t.Fatal(err)
		}
		choice, err := Choose(huginn, caps, Wish{})
		if err != nil || name(choice.Setting) != c.want {
			t.Errorf("%s: %q (%v), want %q", c.device, name(choice.Setting), err, c.want)
			continue
		}
		if !strings.Contains(choice.Why, strings.Fields(c.want)[0]) || strings.Contains(choice.Why, "\n") {
			t.Errorf("%s: why: %s", c.device, choice.Why)
		}
		if v := Verdict(choice.Plan, caps); !strings.HasPrefix(v, "fits "+c.device) {
			t.Errorf("%s: verdict %q", c.device, v)
		}
	}
	if n := len(recorded.Devices()); n != 17 {
		t.Errorf("%d recorded devices: add those that are new to the table", n)
	}
}

func name(s Setting) string {
	return fmt.Sprintf("%s %s %s %d", huginn.QuantName(s.Quant), s.Lookup, s.KV, s.Context)
}

// By size alone, of which a tenth is left to the desktop.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		mib  uint64
		want string
		rows int // a pass; 0: as many as usual
	}{
		{2 << 10, "", 0}, // q4_0 weights are 2.1 GiB
		{3 << 10, "q4_0 latest-m4-compress-s4 q8 4096", 128},
		{4 << 10, "q4_0 latest-m4-compress-s16 q8 4096", 0},
		{5 << 10, "q4_0 latest-m4-compress-s16 f16 4096", 0},
		{6 << 10, "q8_0 latest-m4-compress-s16 q8 4096", 0},
		{6200, "q8_0 latest-m4-compress-s16 f16 4096", 128}, // just
		{8 << 10, "q8_0 latest-m4-compress-s16 f16 4096", 0},
		{9 << 10, "bf16 latest-m4-compress-s16 q8 4096", 0},
		{10 << 10, "bf16 latest-m4-compress-s16 f16 4096", 0},
		{12 << 10, "bf16 latest-m4-compress-s16 f16 4096", 0},
		{16 << 10, "bf16 latest-m4 q8 4096", 0},
		{20 << 10, "bf16 latest-m4 f16 4096", 0},
		{24 << 10, "bf16 latest-m4 f16 4096", 0},
	} {
		choice, err := Choose(huginn, Card(c.mib<<20), Wish{})
		if c.want == "" {
			if !errors.Is(err, ErrDoesNotFit) || !strings.Contains(err.Error(), "no setting fits") {
				t.Errorf("%d MiB: %v", c.mib, err)
			}
			continue
		}
		if err != nil || name(choice.Setting) != c.want {
			t.Errorf("%d MiB: %q (%v), want %q", c.mib, name(choice.Setting), err, c.want)
		}
		if choice.Rows != c.rows {
			t.Errorf("%d MiB: %d rows, want %d", c.mib, choice.Rows, c.rows)
		}
	}
}

// More memory never makes a choice worse.
func TestMoreMemoryIsNoWorse(t *testing.T) {
	rank := make(map[string]int)
	for i, s := range huginn.candidates(Wish{}) {
		if _, ok := rank[name(s)]; !ok {
			rank[name(s)] = i
		}
	}
	best := 1 << 30
	for mib := uint64(2600); mib < 24<<10; mib += 100 {
		choice, err := Choose(huginn, Card(mib<<20), Wish{})
		if err != nil {
			if best < 1<<30 {
				t.Fatalf("%d MiB: %v", mib, err)
			}
			continue
		}
		got := rank[name(choice.Setting)]
		if got > best {
			t.Errorf("%d MiB: %s is worse than what less memory gives", mib, name(choice.Setting))
		}
		best = got
	}
	if best != 0 {
		t.Errorf("24 GiB: the first choice is not reached")
	}
}

// Weights stored in float32 go to 16 bits first.
func TestStoredInFloat32(t *testing.T) {
	float := storedAs(format.F32, format.F32)
	if choice, err := Choose(float, Card(12<<30), Wish{}); err != nil || choice.Quant == nil || *choice.Quant != format.BF16 {
		t.Errorf("stored in f32: %q, %v", name(choice.Setting), err)
	}
}

// Weights are never widened, nor changed for others of the same size.
func TestFormatsOnlyNarrow(t *testing.T) {
	for stored, want := range map[format.Type]string{format.F32: "f32 bf16 q8_0 q4_0", format.F16: "f16 q8_0 q4_0", format.BF16: "bf16 q8_0 q4_0",
		format.Q8_0: "q8_0 q4_0", format.Q4_0: "q4_0"} {
		m := Model{Stored: stored}
		var names []string
		for _, f := range m.quants(Wish{}) {
			names = append(names, m.QuantName(f))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", stored, got, want)
		}
	}
}

func TestSpace(t *testing.T) {
	const gib = 1 << 30
	heap := func(kind string, budget bool, used uint64) vk.Caps {
		c := Card(8 * gib)
		c.Type, c.MemoryBudget, c.Heaps[0].Budget, c.Heaps[0].Used = kind, budget, 7*gib, used
		if kind != "discrete" {
			c.Heaps, c.MemoryTypes = c.Heaps[:1], []vk.MemoryType{{DeviceLocal: true, HostVisible: true, HostCoherent: true}}
		}
		return c
	}
	for _, c := range []struct {
		caps          vk.Caps
		free, reserve uint64
	}{
		{heap("discrete", true, gib), 6 * gib, 128 << 20},
		{heap("discrete", true, 8*gib), 0, 64 << 20},
		{heap("integrated", true, 0), 7 * gib, 7 * gib / 20},
		{heap("discrete", false, 0), 8 * gib / 10 * 9, 8 * gib / 10 * 9 / 50},
		{heap("cpu", false, 0), 8 * gib / 10 * 8, 8 * gib / 10 * 8 / 50},
	} {
		if s, err := SpaceOf(c.caps); err != nil || s.Free != c.free || s.Reserve != c.reserve || s.Room() > s.Free {
			t.Errorf("%s, budget %v: %+v, %v", c.caps.Type, c.caps.MemoryBudget, s, err)
		}
	}
	if _, err := SpaceOf(vk.Caps{Name: "none"}); !errors.Is(err, vk.ErrUnsupported) {
		t.Errorf("no memory: %v", err)
	}
}

// A budget above its heap is cut, staging has to fit in the host's memory, and both are said.
func TestSpaceOfOddHeaps(t *testing.T) {
	const gib = 1 << 30
	c := Card(4 * gib)
	c.MemoryBudget, c.Heaps[0].Budget = true, 16*gib
	if s, err := SpaceOf(c); err != nil || s.Free != 4*gib || s.Size != 4*gib {
		t.Errorf("a budget of 16 GiB on a heap of 4: %+v, %v", s, err)
	}
	c = Card(24 * gib)
	c.MemoryBudget, c.Heaps[1] = true, vk.Heap{Size: 2 << 20, Budget: 2 << 20}
	given, err := Given(huginn, c, Wish{})
	if err != nil || given.Plan.Short == 0 || given.Plan.Device > given.Space.Room() || !strings.Contains(Verdict(given.Plan, c), "of host memory for staging, there is room for 0 KiB") {
		t.Errorf("2 MiB of host memory: %s (%v)", Verdict(given.Plan, c), err)
	}
	if _, err := Choose(huginn, c, Wish{}); !errors.Is(err, ErrDoesNotFit) || !strings.Contains(err.Error(), "host memory") {
		t.Errorf("2 MiB of host memory: %v", err)
	}
}
