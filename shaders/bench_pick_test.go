package shaders_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// pickFilters are the filters that BenchmarkPick times, alone and together, at settings that people use.
var pickFilters = []struct {
	name   string
	filter shaders.Filter
}{
	{"temperature", shaders.Filter{}}, {"top-k", shaders.Filter{TopK: 40}}, {"top-p", shaders.Filter{TopP: 0.95}}, {"min-p", shaders.Filter{MinP: 0.05}},
	{"all", shaders.Filter{TopK: 40, TopP: 0.95, MinP: 0.05}},
}

// BenchmarkPick times what picks a token from a vocabulary of 65536, for one row and for 8: the largest logit, a draw by each filter and
// by all, and the 20 likeliest. Milliseconds of CPU time, medians of 9 in turn.
//
//	go test -run - -bench Pick -benchtime 1x ./shaders
func BenchmarkPick(b *testing.B) {
	for _, name := range vktest.Names() {
		for _, n := range []int{1, 8} {
			b.Run(fmt.Sprint(name, " ", n), func(b *testing.B) { benchPick(b, vktest.Open(b, name, vk.Options{}), n) })
		}
	}
}

func benchPick(b *testing.B, dev *vk.Device, n int) {
	const vocabulary = 65536
	arena := dev.NewArena("bench", vk.DeviceLocal)
	b.Cleanup(arena.Free)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	logits, err := shaders.NewTensor(arena, n, vocabulary)
	must(err)
	rnd, values := rand.New(rand.NewPCG(1, 2)), make([]float32, n*vocabulary)
	for i := range values {
		values[i] = float32(2.5 * rnd.NormFloat64())
	}
	content, _ := binary.Append(nil, binary.LittleEndian, values) // fixed-size elements cannot fail
	must(dev.Write(logits.Span, content))
	span := func(content []byte) vk.Span {
		s, err := arena.Alloc(uint64(len(content)))
		must(err)
		must(dev.Write(s, content))
		return s
	}
	choices, likely := span(make([]byte, n*shaders.ChoiceBytes)), span(make([]byte, n*shaders.LikelyBytes))
	given, wanted := span(make([]byte, 4*n)), span(slices.Repeat([]byte{shaders.MostLikely, 0, 0, 0}, n))
	scratch := shaders.NewPickScratch(n, vocabulary, func(bytes uint64) vk.Span { return span(make([]byte, bytes)) })
	k, err := shaders.New(dev, shaders.Options{})
	must(err)
	var names []string
	programs := map[string]*vk.Program{}
	record := func(name string, list func(r *shaders.Recorder)) {
		r := k.Record(name)
		list(r)
		p, err := r.End()
		must(err)
		b.Cleanup(p.Free)
		must(dev.Run(context.Background(), vk.RunOptions{}, p)) // the first run compiles
		programs[name], names = p, append(names, name)
	}
	record("argmax", func(r *shaders.Recorder) { r.Argmax(choices, logits, given, scratch) })
	for _, f := range pickFilters {
		f.filter.InverseTemperature, f.filter.U, f.filter.Enabled = 1, 0.4, 1
		content := make([]byte, shaders.FilterBytes)
		f.filter.Put(content)
		filters := span(slices.Repeat(content, n))
		record(f.name, func(r *shaders.Recorder) { r.Sample(choices, logits, filters, scratch, f.filter.Edges()) })
	}
	record("likeliest", func(r *shaders.Recorder) { r.TopK(likely, choices, logits, given, wanted, scratch) })
	all := map[string][]float64{}
	for b.Loop() {
		for range 9 {
			for _, name := range names {
				all[name] = append(all[name], cpuSeconds(func() { must(dev.Run(context.Background(), vk.RunOptions{}, programs[name])) }))
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range names {
		slices.Sort(all[name])
		b.ReportMetric(all[name][len(all[name])/2]*1e3, name+"-ms")
	}
}
