package roofline

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkPredictions says how long kernels take beside what the planner thinks, on a device that was just measured. A kernel
// that takes longer shows that the shares of the roofline which vk plans by are too large for it. CPU time is compared where
// the device is the CPU.
//
//	go test -run - -bench Predictions -benchtime 1x ./shaders/roofline
func BenchmarkPredictions(tb *testing.B) {
	for _, name := range vktest.Names() {
		tb.Run(name, func(t *testing.B) {
			d := vktest.Open(t, name, vk.Options{})
			s, err := Measure(t.Context(), d, Quick(d.Caps()))
			if err != nil {
				t.Fatal(err)
			}
			k, err := shaders.New(d, shaders.Options{})
			if err != nil {
				t.Fatal(err)
			}
			m := &meter{ctx: t.Context(), dev: d, kernels: k, effort: Quick(d.Caps())}
			b := &bench{t: t, d: d, a: d.NewArena("bench", vk.DeviceLocal)}
			defer b.a.Free()
			least := math.Inf(1) // how many times less the worst predicted kernel takes
			for _, c := range b.cases() {
				p, err := m.program(1, func(r *shaders.Recorder, _ int) { c.record(r) })
				if err != nil {
					t.Fatal(err)
				}
				samples, err := m.runs(p, 3)
				if err != nil {
					t.Fatal(err)
				}
				cost := b.cost(k, c)
				took, predicted := median(seconds(d.Caps(), samples[1:], false)), s.Estimate(cost).Seconds()
				best := max(float64(cost.Bytes)/s.Read, float64(cost.FLOPs)/s.FMA)
				t.Logf("%-24s %7.2f ms, %4.1f times predicted less, %4.2f of the roofline", c.name, took*1e3, predicted/took, best/took)
				if took > 1e-3 { // no watchdog cares about ops of one workgroup, which use a part of the device
					least = min(least, predicted/took)
				}
				p.Free()
			}
			t.ReportMetric(0, "ns/op")
			t.ReportMetric(least, "predicted/took")
		})
	}
}

// bench makes operands and cases.
type bench struct {
	t testing.TB
	d *vk.Device
	a *vk.Arena
}

type benchCase struct {
	name   string
	record func(*shaders.Recorder)
}

// cost is what a case is estimated at, as the timings tell it.
func (b *bench) cost(k *shaders.Kernels, c benchCase) (sum vk.Cost) {
	b.d.SetProfiling(true)
	defer b.d.SetProfiling(false)
	r := k.Record("cost")
	c.record(r)
	p, err := r.End()
	b.must(err)
	defer p.Free()
	b.d.ResetTimings()
	b.must(b.d.Run(b.t.Context(), vk.RunOptions{}, p))
	for _, t := range b.d.Timings() {
		sum = sum.Add(t.Cost)
	}
	return sum
}

func (b *bench) must(err error) {
	if err != nil {
		b.t.Helper()
		b.t.Fatal(err)
	}
}

func (b *bench) span(size uint64, word uint32) vk.Span {
	s, err := b.a.Alloc(size)
	b.must(err)
	b.must(b.d.Fill(s, word))
	return s
}

func (b *bench) tensor(rows, cols int) shaders.Tensor {
	x, err := shaders.NewTensor(b.a, rows, cols)
	b.must(err)
	b.must(b.d.Fill(x.Span, 0x3f800000))
	return x
}

func (b *bench) matrix(rows, cols int, f format.Type) shaders.Matrix {
	m, err := shaders.NewMatrix(b.a, rows, cols, f, b.d.Caps().ShardLimit())
	b.must(err)
	for _, s := range m.Shards {
		b.must(b.d.Fill(s.Span, 0x3f803f80))
	}
	return m
}

// cases are the ops that a pass spends its time in, at a width of 1056, heads of 96.
func (b *bench) cases() []benchCase {
	const width, wide, heads, context, vocabulary = 1056, 3584, 11, 512, 16384
	var list []benchCase
	add := func(name string, record func(*shaders.Recorder)) { list = append(list, benchCase{name, record}) }
	for _, f := range format.Types() {
		w := b.matrix(wide, width, f)
		for _, n := range []int{1, 3, 8, 17, 64} {
			x, y := b.tensor(n, width), b.tensor(n, wide)
			add(fmt.Sprintf("matmul %v %d rows", f, n), func(r *shaders.Recorder) { r.MatMul(y, w, x) })
		}
	}
	for _, n := range []int{1, 16} {
		pages, err := shaders.NewPages(b.a, 1, context, 0, 0, shaders.Slots{Period: 1})
		b.must(err)
		words, err := binary.Append(nil, binary.LittleEndian, pages.Table)
		b.must(err)
		b.must(b.d.Write(pages.Span.Slice(0, uint64(len(words))), words))
		cache, err := shaders.NewCache(b.a, heads, 96, shaders.KVF32, shaders.Slots{Period: 1}, pages, b.d.Caps().ShardLimit())
		b.must(err)
		for _, s := range cache.Shards {
			b.must(b.d.Fill(s.K, 0x3f800000))
			b.must(b.d.Fill(s.V, 0x3f800000))
		}
		content := make([]byte, n*shaders.RowBytes)
		for i := range n {
			shaders.Row{Pos: context - 1, Sees: context}.Put(content[i*shaders.RowBytes:])
		}
		rows := shaders.Rows{Span: b.span(uint64(len(content)), 0), N: n}
		b.must(b.d.Write(rows.Span, content))
		q, y := b.tensor(n, shaders.QueryCols(heads, 96)), b.tensor(n, heads*96)
		parts, arrived := shaders.AttentionScratchBytes(heads, 96, context)
		scratch := shaders.AttentionScratch{Parts: b.span(parts, 0), Arrived: b.span(arrived, 0)}
		add(fmt.Sprintf("attention %d rows", n), func(r *shaders.Recorder) { r.Attention(y, q, cache, shaders.Gate{}, rows, context, scratch) })

		x, o, weight := b.tensor(n, width), b.tensor(n, width), b.span(4*width, 0x3f800000)
		add(fmt.Sprintf("addnorm %d rows", n), func(r *shaders.Recorder) { r.AddNorm(x, o, shaders.ResidualNormed, weight, 1e-6) })
		logits, choices, given := b.tensor(n, vocabulary), b.span(uint64(n)*shaders.ChoiceBytes, 0), b.span(4*uint64(n), 0)
		pick := shaders.NewPickScratch(n, vocabulary, func(bytes uint64) vk.Span { return b.span(bytes, 0) })
		add(fmt.Sprintf("argmax %d rows", n), func(r *shaders.Recorder) { r.Argmax(choices, logits, given, pick) })
		filters := make([]byte, 0, n*shaders.FilterBytes)
		for range n {
			one := make([]byte, shaders.FilterBytes)
			shaders.Filter{InverseTemperature: 1, TopK: 40, TopP: 0.9, U: 0.5, Enabled: 1}.Put(one)
			filters = append(filters, one...)
		}
		f := b.span(uint64(len(filters)), 0)
		b.must(b.d.Write(f, filters))
		add(fmt.Sprintf("sample %d rows", n), func(r *shaders.Recorder) { r.Sample(choices, logits, f, pick, true) })
	}
	return list
}
