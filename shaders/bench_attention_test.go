package shaders_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// BenchmarkAttention times attention with a lane for each row and head against workgroups for each, on every driver that
// has both: CPU time over two cores, in turn, medians of 5. Rows are the last positions of one sequence.
//
//	go test -run - -bench Attention -benchtime 1x ./shaders
func BenchmarkAttention(b *testing.B) {
	for _, name := range vktest.Names() {
		b.Run(name, func(b *testing.B) {
			dev := vktest.Open(b, name, vk.Options{})
			if !shaders.Unrolls(dev.Caps()) {
				return
			}
			for _, kv := range shaders.KVTypes() {
				for _, size := range [][4]int{{256, 256, 16, 64}, {1, 2000, 16, 64}, {8, 500, 16, 64}} {
					benchAttention(b, dev, kv, size[0], size[1], size[2], size[3])
				}
			}
		})
	}
}

// onePage are pages of one sequence.
func onePage(b testing.TB, dev *vk.Device, a *vk.Arena, positions int) shaders.Pages {
	p, err := shaders.NewPages(a, 1, positions, 0, 0, shaders.Slots{Period: 1})
	if err == nil {
		err = dev.Fill(p.Span, 0)
	}
	table, _ := binary.Append(nil, binary.LittleEndian, p.Table) // fixed-size elements cannot fail
	if err == nil {
		err = dev.Write(p.Span.Slice(0, uint64(len(table))), table)
	}
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func benchAttention(b *testing.B, dev *vk.Device, kv shaders.KVType, n, positions, heads, headDim int) {
	arena := dev.NewArena("bench", vk.DeviceLocal)
	defer arena.Free()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	span := func(bytes uint64) vk.Span {
		s, err := arena.Alloc(bytes)
		must(err)
		must(dev.Fill(s, 0))
		return s
	}
	pages := onePage(b, dev, arena, positions)
	c, err := shaders.NewCache(arena, heads, headDim, kv, shaders.Slots{Period: 1}, pages, dev.Caps().ShardLimit())
	must(err)
	q, err := shaders.NewTensor(arena, n, shaders.QueryCols(heads, headDim))
	must(err)
	y, err := shaders.NewTensor(arena, n, heads*headDim)
	must(err)
	table := make([]byte, n*shaders.RowBytes)
	for i := range n {
		shaders.Row{Pos: uint32(positions - n + i), Sees: uint32(positions - n + i + 1)}.Put(table[i*shaders.RowBytes:])
	}
	rows := shaders.Rows{Span: span(uint64(len(table))), N: n}
	must(dev.Write(rows.Span, table))
	parts, arrived := shaders.AttentionScratchBytes(heads, headDim, positions)
	scratch := shaders.AttentionScratch{Parts: span(parts), Arrived: span(arrived)}

	var programs [2]*vk.Program
	var first [2]time.Duration
	for i, v := range []shaders.Vectors{shaders.Fixed, shaders.Specialized} {
		k, err := shaders.New(dev, shaders.Options{Vectors: v})
		must(err)
		from := time.Now()
		r := k.Record("attention")
		r.Attention(y, q, c, shaders.Gate{}, rows, positions, scratch)
		programs[i], err = r.End()
		must(err)
		defer programs[i].Free()
		must(dev.Run(context.Background(), vk.RunOptions{}, programs[i])) // compiles
		first[i] = time.Since(from)
	}
	var times [2][]float64
	for range 5 {
		for i, p := range programs {
			times[i] = append(times[i], cpuSeconds(func() { must(dev.Run(context.Background(), vk.RunOptions{}, p)) })/2)
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	b.Logf("%-4v %3d rows, %4d positions, %2d heads of %2d: %s with workgroups, with lanes %s; first %.1f and %.1f s; %.2f times as fast", kv, n, positions, heads, headDim,
		fmt.Sprintf("%.2f ms", times[0][2]*1e3), fmt.Sprintf("%.2f ms", times[1][2]*1e3), first[0].Seconds(), first[1].Seconds(), times[0][2]/times[1][2])
}
