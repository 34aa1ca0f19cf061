//go:build cgo

package vk_test

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"muninn/vk"
)

// spirv reads a compiled kernel of testdata.
func spirv(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".spv")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kernel compiles a kernel of testdata.
func kernel(t testing.TB, d *vk.Device, name string, spec ...uint32) *vk.Kernel {
	t.Helper()
	k, err := d.NewKernel(name, spirv(t, name), vk.KernelOptions{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// arena makes an arena that is freed before the device is closed.
func arena(t testing.TB, d *vk.Device, m vk.Memory) *vk.Arena {
	a := d.NewArena(t.Name(), m)
	t.Cleanup(a.Free)
	return a
}

// program makes a program that is freed before the arenas made earlier.
func program(t testing.TB, d *vk.Device) *vk.Program {
	p := d.NewProgram(t.Name())
	t.Cleanup(p.Free)
	return p
}

func alloc(t testing.TB, a *vk.Arena, n uint64) vk.Span {
	t.Helper()
	s, err := a.Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, d *vk.Device, progs ...*vk.Program) {
	t.Helper()
	must(t, d.Run(t.Context(), vk.RunOptions{}, progs...))
}

func writeFloats(t testing.TB, d *vk.Device, s vk.Span, f []float32) {
	t.Helper()
	p := make([]byte, 0, 4*len(f))
	for _, x := range f {
		p = binary.LittleEndian.AppendUint32(p, math.Float32bits(x))
	}
	must(t, d.Write(s, p))
}

func readFloats(t testing.TB, d *vk.Device, s vk.Span) []float32 {
	t.Helper()
	words := readWords(t, d, s)
	f := make([]float32, len(words))
	for i, w := range words {
		f[i] = math.Float32frombits(w)
	}
	return f
}

func writeWords(t testing.TB, d *vk.Device, s vk.Span, words ...uint32) {
	t.Helper()
	var p []byte
	for _, w := range words {
		p = binary.LittleEndian.AppendUint32(p, w)
	}
	must(t, d.Write(s, p))
}

func readWords(t testing.TB, d *vk.Device, s vk.Span) []uint32 {
	t.Helper()
	p := make([]byte, s.Size())
	must(t, d.Read(s, p))
	words := make([]uint32, len(p)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(p[4*i:])
	}
	return words
}
