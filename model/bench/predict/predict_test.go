package predict

import (
	"math"
	"testing"

	"muninn/shaders"
)

// A card of round figures: 100 GB/s, 10 units of 2 workgroups each, 1 GHz, 32 lanes a clock, memory 1 us away.
var round = Card{Bandwidth: 100e9, Units: 10, Clock: 1, Rate: 32, Latency: 1000, Cache: 100, Launch: 5, Room: Room{Waves: 2}}

func product(groups, units int, bytes float64) Command {
	return Command{Kernel: "k", Times: 1, Barriers: 1, Groups: groups, Lanes: 32, Bytes: bytes, Units: units, Weights: 32,
		GEMV: &shaders.GEMV{Groups: 1, Beside: 1, WeightRows: 4, Depth: 1}}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

// 64 units on 32 lanes are 2 trips of 1 us; 45 workgroups in room for 20 are 3 rounds, each with 0.2 us before and behind: 6.6 us. Each workgroup goes through a loop of 10
// instructions twice, 45 x 2 x 10 x 32 lanes by 10 units of 32 lanes in a ns: 2.8125... us. 100 kB are 1 us.
func TestTripsBound(t *testing.T) {
	k := Kernel{Subgroup: 32, Loop: 10}
	got := round.Bound(product(45, 64, 100e3), k)
	near(t, "bytes", got.Bytes, 1)
	near(t, "trips", got.Trips, 6.6)
	near(t, "issue", got.Issue, 45*2*10*32/(10*32*1e3))
	near(t, "fill", got.Fill, 1)
	near(t, "launch", got.Launch, 5)
	near(t, "time", got.Time, 6.6+1+5)
	near(t, "worst", got.Worst, 1+6.6+got.Issue+1+5)
	deep := product(45, 64, 100e3)
	deep.GEMV.Depth = 2
	near(t, "trips at twice the depth", round.Bound(deep, k).Trips, 3.6)
	near(t, "bytes in flight", round.InFlight(deep, k), 2*32*4*2*16)
	near(t, "issue, with what is beside the loop", round.Bound(product(45, 64, 100e3), Kernel{Subgroup: 32, Loop: 10, Path: 25}).Issue, 45*(2*10+15)*32/(10*32*1e3))
	near(t, "issue of one workgroup without a loop", round.Bound(Command{Groups: 1, Lanes: 64}, Kernel{Subgroup: 32, Path: 100}).Issue, 2*32*100/(32*1e3))
	shared := product(45, 64, 100e3)
	shared.Lanes, shared.GEMV.Groups = 64, 2
	near(t, "trips of two subgroups, a workgroup a unit", round.Bound(shared, k).Trips, 6)
	shared.GEMV.Beside = 4 // 16 lanes a row: 4 trips
	near(t, "trips of rows side by side", round.Bound(shared, k).Trips, 5*4.2)
	near(t, "bytes in flight of rows side by side", round.InFlight(shared, k), 64*1*16)
}

// With nothing else in the way a command takes its bytes by the bandwidth, and more of that never makes it slower.
func TestBytesBound(t *testing.T) {
	free := round
	free.Latency, free.Launch, free.Rate = 0, 0, 1e9
	got := free.Bound(product(1000, 166, 1e9), Kernel{Subgroup: 32, Loop: 10})
	near(t, "time", got.Time, 1e4)
	token := Token{Commands: []Command{product(1000, 166, 1e6), {Kernel: "norm", Times: 3, Barriers: 3, Groups: 1, Lanes: 64, Bytes: 4096}}}
	kernels := map[string]Kernel{"k": {Subgroup: 32, Loop: 100}, "norm": {Subgroup: 32}}
	last := math.Inf(1)
	for _, bandwidth := range []float64{1e9, 10e9, 100e9, 1e12, 1e15} {
		c := round
		c.Bandwidth = bandwidth
		p := c.Predict(token, kernels)
		if p.Time > last || p.Worst < p.Time || p.Share() > 1 || p.Time < p.Bytes {
			t.Errorf("at %g: %+v", bandwidth, p)
		}
		last = p.Time
	}
	// 4096 bytes on 64 lanes are 4 trips of 0.1 us, each behind a launch: 3 x (0.4 + 1 + 5).
	near(t, "what is no product", round.Predict(token, kernels).Norms, 3*(0.4+1+5))
}

// Registers, waves, workgroups and shared memory each limit how many workgroups a unit holds.
func TestOccupancy(t *testing.T) {
	for _, c := range []struct {
		r     Room
		k     Kernel
		lanes int
		want  int
	}{
		{ada, Kernel{Subgroup: 32, Registers: 40}, 32, 24},    // workgroups
		{ada, Kernel{Subgroup: 32, Registers: 40}, 128, 12},   // 48 warps
		{ada, Kernel{Subgroup: 32, Registers: 120}, 128, 4},   // 4 parts of 4 warps of 3840 registers
		{ada, Kernel{Subgroup: 32, Registers: 121}, 128, 4},   // 128 are given out: 16 warps
		{ada, Kernel{Subgroup: 32, Registers: 255}, 32, 8},    // 256
		{ada, Kernel{Subgroup: 32, Shared: 30 << 10}, 128, 3}, // shared memory
		{rdna, Kernel{Subgroup: 64, Registers: 48}, 64, 20},   // 2 SIMD of 512 registers for 64 lanes: 10 waves each
		{rdnaLarge, Kernel{Subgroup: 64, Registers: 48}, 64, 32},
		{xeHPG, Kernel{Subgroup: 8, Registers: 120}, 8, 128}, // threads
		{adreno, Kernel{Subgroup: 64, Registers: 13, Waves: 14}, 128, 7},
		{xe2, Kernel{Subgroup: 16}, 4096, 1}, // never none
	} {
		if got := c.r.Occupancy(c.k, c.lanes); got != c.want {
			t.Errorf("%+v on %d lanes: %d, want %d", c.k, c.lanes, got, c.want)
		}
	}
}
