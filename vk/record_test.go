package vk

import (
	"reflect"
	"strings"
	"testing"
)

// TestIndirectAfterCut: an op that is cut ends with a dispatch from 0 on. Some drivers number the groups of an indirect dispatch
// from the base of the dispatch before.
func TestIndirectAfterCut(t *testing.T) {
	f := newFake()
	d := fakeDevice(t, f, Options{})
	d.SetSpeed(Speed{Read: 1e9, FMA: 1e9})
	s, err := d.NewArena("a", DeviceLocal).Alloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	halve, err := d.NewKernel("halve", compiled(t, "halve"), KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := d.NewProgram("p")
	p.Dispatch(halve, []uint32{7}, [3]uint32{5, 3, 2}, Cost{Bytes: 200e6}, s.Slice(0, 256))
	p.DispatchIndirect(halve, []uint32{7}, s.Slice(512, 12), Cost{}, s.Slice(0, 256))
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	words := map[uint64]int{uint64(streamSegment): 1, uint64(streamBarrier): 5, uint64(streamPipeline): 2, uint64(streamSet): 3, uint64(streamPush): 4,
		uint64(streamDispatch): 4, uint64(streamDispatchBase): 7, uint64(streamIndirect): 3}
	var seen []uint64 // the dispatches
	for i := 0; i < len(f.stream); i += words[f.stream[i]] {
		switch c := f.stream[i]; {
		case words[c] == 0:
			t.Fatalf("command %d in %d", c, f.stream)
		case c == uint64(streamDispatch) || c == uint64(streamDispatchBase) || c == uint64(streamIndirect):
			seen = append(seen, c)
		}
	}
	n := len(seen)
	if n < 4 || seen[0] != uint64(streamDispatchBase) || seen[n-2] != uint64(streamDispatch) || seen[n-1] != uint64(streamIndirect) {
		t.Errorf("recorded dispatches %d; want some from a base, then one from 0 on, then the indirect one", seen)
	}
}

// TestStream spells out what is recorded: barriers at both ends and between, and pipeline and set bound only when they
// change.
func TestStream(t *testing.T) {
	f := newFake()
	d := fakeDevice(t, f, Options{})
	a := d.NewArena("a", DeviceLocal)
	s, err := a.Alloc(4096)
	if err != nil {
		t.Fatal(err)
	}
	halve, err := d.NewKernel("halve", compiled(t, "halve"), KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spin, err := d.NewKernel("spin", compiled(t, "spin"), KernelOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x, y, counts := s.Slice(0, 256), s.Slice(256, 256), s.Slice(512, 12)
	p := d.NewProgram("p")
	p.Fill(counts, 1)
	p.Dispatch(halve, []uint32{7}, [3]uint32{1, 2, 3}, Cost{}, x)
	p.Dispatch(halve, []uint32{8}, [3]uint32{1, 1, 1}, Cost{}, x)
	p.Dispatch(halve, []uint32{9}, [3]uint32{1, 1, 1}, Cost{}, y)
	p.DispatchIndirect(spin, []uint32{10}, counts, Cost{}, y)
	p.Copy(s.Slice(1024, 256), y)
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	b := s.block.buffer
	all := uint64(stageCompute | stageTransfer | stageIndirect)
	writes := uint64(accessShaderWrite | accessTransferWrite)
	rw := uint64(accessShaderRead | accessShaderWrite)
	layout := halve.layout.pipeline
	// The fake's sets: 1000 binds x for halve, 1001 binds y for halve and, in the same layout, for spin.
	want := stream{
		uint64(streamSegment),
		uint64(streamBarrier), all, writes, all, rw | accessTransferRead | accessTransferWrite | accessIndirectRead,
		uint64(streamFill), b, 512, 12, 1,
		uint64(streamPipeline), halve.pipeline,
		uint64(streamSet), layout, 1000,
		uint64(streamPush), layout, 4, 7,
		uint64(streamDispatch), 1, 2, 3,
		uint64(streamBarrier), stageCompute | stageTransfer, writes, all, rw | accessTransferRead | accessTransferWrite | accessIndirectRead,
		uint64(streamPush), layout, 4, 8,
		uint64(streamDispatch), 1, 1, 1,
		uint64(streamSet), layout, 1001,
		uint64(streamPush), layout, 4, 9,
		uint64(streamDispatch), 1, 1, 1,
		uint64(streamBarrier), stageCompute, accessShaderWrite, stageCompute | stageTransfer, rw | accessTransferRead | accessTransferWrite, // the counts were written before the last one
		uint64(streamPipeline), spin.pipeline,
		uint64(streamSet), layout, 1001,
		uint64(streamPush), layout, 4, 10,
		uint64(streamIndirect), b, 512,
		uint64(streamBarrier), stageCompute | stageIndirect, accessShaderWrite, stageTransfer, accessTransferRead | accessTransferWrite,
		uint64(streamCopy), b, 256, b, 1024, 256,
		uint64(streamBarrier), stageCompute | stageTransfer, writes, stageHost, accessHostRead,
	}
	if !reflect.DeepEqual(f.stream, want) {
		t.Errorf("\n got %d\nwant %d", f.stream, want)
	}
	// A transfer waits for everything before it and ends ready for the host as well.
	if err := d.Fill(y, 5); err != nil {
		t.Fatal(err)
	}
	want = stream{
		uint64(streamSegment),
		uint64(streamBarrier), all, writes, stageTransfer, accessTransferRead | accessTransferWrite,
		uint64(streamFill), b, 256, 256, 5,
		uint64(streamBarrier), stageCompute | stageTransfer, writes, stageHost, accessHostRead,
	}
	if !reflect.DeepEqual(f.stream, want) {
		t.Errorf("transfer:\n got %d\nwant %d", f.stream, want)
	}
	p.Free()
	a.Free()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// Push constants are held against the kernel's block by name, place and kind, and the error names the field.
func TestPushConstants(t *testing.T) {
	in := signature{Push: []pushField{{"n", 0, false}, {"xstride", 4, false}, {"eps", 8, true}, {"last", 12, false}}, PushBytes: 16}
	got, err := in.encodePush(struct {
		N, XStride uint32
		Eps        float32
		Last       int32
	}{1, 2, 0.5, -1})
	want := []byte{1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0xff}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("% x, %v", got, err)
	}
	if got, err := in.encodePush([]uint32{1, 2, 0x3f000000, 0xffffffff}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("% x, %v", got, err)
	}
	type u = uint32
	for _, c := range []struct {
		push any
		says string
	}{
		{struct {
			XStride, N u
			Eps        float32
			Last       u
		}{}, "XStride, integer at 0, is n, integer at 0, in"},
		{struct {
			N, XStride u
			Last       u
			Eps        float32
		}{}, "Last, integer at 8, is eps, float at 8"},
		{struct{ N, XStride, Eps, Last u }{}, "Eps, integer at 8, is eps, float"},
		{struct {
			N, XStride u
			Eps        float32
		}{}, "last, integer at 12, of the kernel is not in struct"},
		{struct {
			N, XStride u
			Eps        float32
			Last, More u
		}{}, "More of struct"},
		{struct {
			N    uint64
			Eps  float32
			Last u
		}{}, "N, integer at 0"},
		{[]uint32{1, 2, 3}, "12 bytes of push constants, the kernel takes 16"},
		{nil, "0 bytes"}, {"text", "type string"}, {[]any{1}, "type"}, {map[int]int{}, "type"},
	} {
		if _, err := in.encodePush(c.push); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%T: %v, want %q", c.push, err, c.says)
		}
	}
	in = signature{Push: []pushField{{"", 0, false}, {"", 8, false}}, PushBytes: 12}
	if _, err := in.encodePush(struct{ A, B u }{}); err == nil || !strings.Contains(err.Error(), "B, integer at 4") {
		t.Errorf("a block with a gap, without names: %v", err)
	}
	var s stream
	s.push(9, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	if want := (stream{uint64(streamPush), 9, 12, 0x0807060504030201, 0x0c0b0a09}); !reflect.DeepEqual(s, want) {
		t.Errorf("%x, want %x", s, want)
	}
}
