package engine_test

import (
	"errors"
	"testing"

	"muninn/model/arch"
	"muninn/model/checkpoint"
	"muninn/model/decode"
	"muninn/model/engine"
	"muninn/model/engine/weights"
	"muninn/model/internal/golden"
	"muninn/model/store"
	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// A plan is what loading and a session then take, to the byte.
func TestPlanForetells(t *testing.T) {
	bf16 := checkpoint.Scheme{Quant: format.BF16}
	lookup := func(name string, core int) decode.Lookup {
		l, err := decode.ParseLookup(name, core)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, opt := range []vk.Options{{}, vktest.Staged(vk.Options{})} {
		vktest.EachWith(t, opt, func(t *testing.T, d *vk.Device) {
			openStaging(t, d)
			for _, path := range []string{store.DemoName, golden.Model(t, "A-f32"), golden.Model(t, "C-f16"), familyModel(t, "U-bf16"), familyModel(t, "H-bf16")} {
				ck, err := store.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				core := ck.Config.NLayersInRecurrentBlock
				for name, c := range map[string]struct {
					weights checkpoint.Scheme
					session engine.SessionOptions
				}{
					"defaults":   {},
					"bf16":       {weights: bf16, session: engine.SessionOptions{Context: 64, MaxSteps: 4}},
					"sequences":  {session: engine.SessionOptions{Sequences: 3, Context: 40, Rows: 16, MaxSteps: 2}},
					"q8_0":       {weights: checkpoint.Scheme{Quant: format.Q8_0, Keep: map[arch.Part]format.Type{arch.PartAdapter: format.Q8_0}}, session: engine.SessionOptions{Context: 64}},
					"q4_0":       {weights: checkpoint.Scheme{Quant: format.Q4_0}, session: engine.SessionOptions{Context: 64}},
					"pages":      {session: engine.SessionOptions{Sequences: 3, Context: 60, Positions: 100, MaxSteps: 3}},
					"unread":     {session: engine.SessionOptions{Context: 60, Unread: 32, MaxSteps: 3, Lookup: lookup(decode.LookupDecodeLast, core)}},
					"readouts":   {session: engine.SessionOptions{Context: 60, MaxSteps: 3, Exits: true, Readouts: true}},
					"compressed": {session: engine.SessionOptions{Context: 48, Lookup: lookup("compress-anchor", core)}},
					"merged":     {session: engine.SessionOptions{Context: 48, MaxSteps: 9, Lookup: lookup("full-compress-r2", 2)}},
				} {
					if name == "merged" && core != 2 {
						continue
					}
					plan, err := engine.PlanMemory(ck.Config, d.Caps(), weights.DeviceFormats(c.weights, ck.Config, ck.Stored), c.session)
					if err != nil {
						t.Fatal(err)
					}
					before := d.Counters().DeviceBytes
					m, err := engine.Load(ck, d, engine.LoadOptions{Weights: c.weights})
					if err != nil {
						t.Fatal(err)
					}
					s, err := m.NewSession(c.session)
					if err != nil {
						t.Fatal(err)
					}
					took := d.Counters().DeviceBytes - before
					s.Close()
					m.Close()
					if planned := plan.Device + plan.Host; took != planned {
						t.Errorf("%s, %s: planned %d bytes, taken %d", path, name, planned, took)
					}
					var lines uint64
					for _, l := range plan.Lines {
						lines += l.Bytes
					}
					if lines+plan.Rounding != plan.Device || planned(plan, weights.MemoryWeights) == 0 || planned(plan, weights.MemoryKV) == 0 {
						t.Errorf("%s, %s: the plan does not add up: %+v", path, name, plan)
					}
				}
				if err := ck.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// openStaging has the device make its staging memory, where it uses any: the plan of a software driver has none.
func openStaging(t *testing.T, d *vk.Device) {
	a := d.NewArena("first", vk.DeviceLocal)
	defer a.Free()
	s, err := a.Alloc(4)
	if err == nil {
		err = d.Write(s, make([]byte, 4))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// huginn is the shape of the published model.
var huginn = arch.Config{
	NEmbd: 5280, NHeads: 55, HeadDim: 96, NLayersInPrelude: 2, NLayersInRecurrentBlock: 4, NLayersInCoda: 2,
	IntermediateSize: 17920, VocabSize: 65536, PaddedVocabSize: 65536, BlockSize: 4096, MeanRecurrence: 32,
	RopeBase: 50000, NormEps: 1e-6, TieEmbeddings: true, QKBias: true,
}

// card is a discrete GPU with nothing remarkable about it.
func card(bytes uint64) vk.Caps {
	return vk.Caps{
		Name: "card", Type: "discrete", APIVersion: [3]uint32{1, 3, 0}, MaxStorageBufferRange: 1<<32 - 1, MaxAllocation: 1<<32 - 1<<21,
		Heaps:       []vk.Heap{{Size: bytes, DeviceLocal: true}, {Size: 16 << 30}},
		MemoryTypes: []vk.MemoryType{{DeviceLocal: true}, {Heap: 1, HostVisible: true, HostCoherent: true, HostCached: true}},
	}
}

func asBF16(string) format.Type { return format.BF16 }

// The sizes of the published model, against the arithmetic of its shapes: 346.0 M embedding, 395.4 M a layer, 55.8 M adapter.
func TestPlanOfHuginn(t *testing.T) {
	l, err := decode.ParseLookup("latest-m4-compress-s16", 4)
	if err != nil {
		t.Fatal(err)
	}
	const layer, embedding = 3*5280*5280 + 5280*5280 + 3*17920*5280, 65536 * 5280
	adapter := uint64(2*5312) * 5280 // each half padded as activations are
	const padded, wide = 5312, 17920 // rows are padded to 64 weights: 5280 is not a multiple
	block := func(num, den uint64) uint64 { return (4*5280*padded + 2*17920*padded + 5280*wide) * num / den }
	for _, c := range []struct {
		quant format.Type
		parts map[string]uint64
	}{
		{"", map[string]uint64{"embedding": 2 * embedding, "prelude": 2 * 2 * layer, "core": 4 * 2 * layer, "adapter": 2 * adapter, "head": 0}},
		{format.Q8_0, map[string]uint64{"embedding": 65536 * padded * 34 / 32, "core": 4 * block(34, 32), "coda": 2 * block(34, 32), "adapter": 2 * adapter}},
		{format.Q4_0, map[string]uint64{"embedding": 65536 * padded * 34 / 32, "core": 4 * block(18, 32), "coda": 2 * block(18, 32), "adapter": 2 * adapter,
			"rope table": 4096 * 96 * 4, "norms": (8*4 + 1 + 8*2) * 5280 * 4}},
	} {
		plan, err := engine.PlanMemory(huginn, card(24<<30), weights.DeviceFormats(checkpoint.Scheme{Quant: c.quant}, huginn, asBF16), engine.SessionOptions{Lookup: l, KV: shaders.KVQ8})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range plan.Lines {
			if want, ok := c.parts[line.Part]; ok && line.Group == weights.MemoryWeights && line.Bytes != want {
				t.Errorf("%s in %v: %d bytes, want %d", line.Part, c.quant, line.Bytes, want)
			}
		}
		// A slot of a position is 2 x 55 heads of 3 blocks of 34 bytes in each layer; a core layer has 4 slots.
		// A page of 32 positions has a word in the table of each slot, and in that of layers with one.
		if got, want := planned(plan, weights.MemoryKV), uint64(4096*4+4096/32*(1+4)*4+(2+4*4+2)*4096*2*55*3*34); got != want {
			t.Errorf("KV of %d bytes, want %d", got, want)
		}
		if c.quant == format.Q4_0 {
			t.Logf("q4_0: %d weights, %d KV, %d scratch, %d rounding: %.3f GiB", planned(plan, weights.MemoryWeights), planned(plan, weights.MemoryKV),
				planned(plan, weights.MemoryScratch), plan.Rounding, float64(plan.Device)/(1<<30))
			if limit := uint64(32 << 30 / 10); plan.Device > limit {
				t.Errorf("q4_0 with 4096 positions: %d bytes, want at most %d", plan.Device, limit)
			}
		}
		if plan.Rounding > 16<<20 {
			t.Errorf("%d bytes are lost to the ends of blocks", plan.Rounding)
		}
	}
}

// Ouro-1.4B with a slot for all loops: 2 x 16 heads of 4 blocks of 34 bytes in each of 24 layers, and the table and depths of the positions.
func TestPlanOfOuro(t *testing.T) {
	shape, err := arch.ParseShape("ouro-1.4b")
	if err != nil {
		t.Fatal(err)
	}
	shared, err := decode.ParseLookup(decode.LookupShared, shape.NLayersInRecurrentBlock)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := engine.PlanMemory(shape.Config, card(24<<30), weights.DeviceFormats(checkpoint.Scheme{Quant: format.Q4_0}, shape.Config, asBF16),
		engine.SessionOptions{Context: 4096, Lookup: shared, KV: shaders.KVQ8})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := planned(plan, weights.MemoryKV), uint64(4096*24*2*16*4*34+4096*4+4096/32*2*4); got != want || got >= 450e6 {
		t.Errorf("KV of %d bytes, want %d, below 450 MB", got, want)
	}
}

func TestPlanRefuses(t *testing.T) {
	weak := card(24 << 30)
	weak.MaxStorageBufferRange = 8 << 20
	formats := weights.DeviceFormats(checkpoint.Scheme{}, huginn, asBF16)
	for name, o := range map[string]engine.SessionOptions{"KV": {MaxSteps: 64}, "rows": {Rows: 2048, Context: 64, Sequences: 32}} {
		if _, err := engine.PlanMemory(huginn, weak, formats, o); !errors.Is(err, shaders.ErrBindingLimit) {
			t.Errorf("%s: %v, want ErrBindingLimit", name, err)
		}
	}
	if _, err := engine.PlanMemory(huginn, card(1<<30), formats, engine.SessionOptions{Context: 5000}); err == nil {
		t.Error("planned for more positions than the model has")
	}
	if _, err := engine.PlanMemory(huginn, vk.Caps{Name: "none"}, formats, engine.SessionOptions{}); !errors.Is(err, vk.ErrUnsupported) {
		t.Errorf("a device without memory: %v", err)
	}
}

// planned is what a group of a plan takes.
func planned(p engine.MemoryPlan, group string) (n uint64) {
	for _, l := range p.Lines {
		if l.Group == group {
			n += l.Bytes
		}
	}
	return n
}

// What a software device takes does not depend on the size that its driver gives its heap, which is not the host's memory.
func TestPlanOnCPU(t *testing.T) {
	shape, err := arch.ParseShape("ouro-2.6b")
	if err != nil {
		t.Fatal(err)
	}
	var took []uint64
	for _, heap := range []uint64{2 << 30, 24 << 30} {
		caps := card(heap)
		caps.Type, caps.Heaps, caps.MemoryTypes = "cpu", caps.Heaps[:1], []vk.MemoryType{{DeviceLocal: true, HostVisible: true, HostCoherent: true, HostCached: true}}
		plan, err := engine.PlanMemory(shape.Config, caps, weights.DeviceFormats(checkpoint.Scheme{Quant: format.Q4_0}, shape.Config, asBF16), engine.SessionOptions{Context: 64, MaxSteps: 4, KV: shaders.KVF16})
		if err != nil {
			t.Fatal(err)
		}
		took = append(took, plan.Device)
	}
	if took[0] != took[1] {
		t.Errorf("%d bytes on a heap of 2 GiB, %d on one of 24", took[0], took[1])
	}
}
