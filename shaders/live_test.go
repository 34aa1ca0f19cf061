package shaders_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"muninn/shaders"
	"muninn/vk"
	"muninn/vk/vktest"
)

// The most rows of GEMV, as this test has them, and of steps whose dispatches all follow the live rows.
const mostVectors, mostFollowed = 5, 16

// glacial makes every matmul come in as many pieces as it has workgroups.
var glacial = vk.Speed{Read: 1, FMA: 1}

// A core step whose dispatches follow the live rows does to those what a step of as many rows does, bit for bit, whole or in
// pieces; rows that have left are no longer touched, and with none left nothing is written at all.
func TestFollowingLiveRows(t *testing.T) {
	vktest.Each(t, func(t *testing.T, d *vk.Device) {
		for _, n := range []int{1, 3, 5, 12, 18} { // a GEMV with its norm; GEMV; tiles; more than all follow
			t.Run(fmt.Sprint(n), func(t *testing.T) { followLive(t, d, n) })
		}
	})
}

func followLive(t *testing.T, d *vk.Device, n int) {
	s := newLiveStep(t, d, n)
	direct := s.record("direct", n, nil)
	stay := (n + 1) / 2
	fewer := s.record("fewer rows", stay, nil)

	s.restore(9, 9)
	s.run(direct)
	s.compactRows(1, n)
	s.run(direct)
	all := s.snapshot()
	s.restore(9, 1)
	s.run(direct)
	s.compactRows(2, stay)
	s.run(fewer)
	some := s.snapshot()

	for _, speed := range []vk.Speed{d.Speed(), glacial} {
		ordinary := d.Speed()
		d.SetSpeed(speed)
		s.live.Reset()
		arm, step, retire := s.record("arm", n, func(r *shaders.Recorder) { r.Arm(s.groups, s.rows, s.live) }), s.record("step", n, s.follow),
			s.record("retire", n, func(r *shaders.Recorder) { r.Retire(s.groups, s.rows, s.live) })
		if pieces := strings.Count(strings.Join(step.Kernels(), " "), "adapter_"); speed == glacial && n <= mostVectors && pieces < 2 {
			t.Errorf("an adapter in %d pieces on a slow device", pieces)
		}

		s.restore(9, 9)
		s.run(arm, step, retire, step)
		s.same("all rows live", s.snapshot(), all, n)

		s.restore(9, 1)
		s.run(arm, step, retire, step)
		s.same("some rows live", s.snapshot(), some, stay)

		s.restore(1, 1)
		s.run(arm, step, retire)
		before := s.snapshot()
		s.run(step, step)
		for name, now := range s.snapshot() {
			if !bytes.Equal(now, before[name]) && (n <= mostFollowed || kept[name]) {
				t.Errorf("%s was written with no live row", name)
			}
		}
		s.run(retire)
		if got := s.snapshot()["progress"]; !bytes.Equal(got, before["progress"]) {
			t.Error("groups took a step with no live row")
		}
		d.SetSpeed(ordinary)
	}
}

// kept is what outlasts a step; the rest are activations, of which a workgroup may write more than the live rows.
var kept = map[string]bool{"inputs": true, "older": true, "change": true, "rows": true, "depth": true, "k": true, "v": true, "arrived": true, "counters": true, "gates": true}

// same compares what is kept; the first n rows of the table are live.
func (s *liveStep) same(what string, got, want map[string][]byte, n int) {
	s.t.Helper()
	for name := range kept {
		g, w := got[name], want[name]
		if name == "rows" {
			g, w = g[:n*shaders.RowBytes], w[:n*shaders.RowBytes]
		}
		if !bytes.Equal(g, w) {
			s.t.Errorf("%s: %s differs", what, name)
		}
	}
}
