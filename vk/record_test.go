package vk

import (
	"reflect"
	"testing"
)

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
		uint64(streamBarrier), stageCompute, accessShaderWrite, all, rw | accessTransferRead | accessTransferWrite | accessIndirectRead,
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

func TestPushConstants(t *testing.T) {
	type block struct {
		N     uint32
		Scale float32
		At    [2]int32
	}
	got, err := encodePush(block{1, 0.5, [2]int32{-1, 2}})
	want := []byte{1, 0, 0, 0, 0, 0, 0, 0x3f, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("% x, %v", got, err)
	}
	for _, bad := range []any{"text", struct{ S string }{}, []any{1}, map[int]int{}, struct{ N int }{}} {
		if _, err := encodePush(bad); err == nil {
			t.Errorf("%T was encoded", bad)
		}
	}
	var s stream
	s.push(9, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	if want := (stream{uint64(streamPush), 9, 12, 0x0807060504030201, 0x0c0b0a09}); !reflect.DeepEqual(s, want) {
		t.Errorf("%x, want %x", s, want)
	}
}
