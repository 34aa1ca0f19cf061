// Package predict says on paper how long a GPU takes for a token: from what the engine dispatches there, what the vendor's compiler made of
// the kernels, and the card's published figures. It is a bound and no measurement: nothing in it was fitted to a card.
package predict

import (
	"math"
	"strings"

	"muninn/shaders"
)

// Token is all that a device runs for a token of a model, as the engine has recorded it for that device.
type Token struct {
	Model    string
	Format   string
	Steps    int
	Commands []Command
}

// Command is a dispatch, a copy or a fill.
type Command struct {
	Kernel   string        // with its specialization constants
	Times    int           // that it runs
	Barriers int           `json:",omitempty"` // before it, in all times
	Groups   int           `json:",omitempty"` // workgroups
	Lanes    int           `json:",omitempty"` // of a workgroup
	Bytes    float64       // moved, each time
	GEMV     *shaders.GEMV `json:",omitempty"` // how it takes its matrix; nil: it is no product
	Units    int           `json:",omitempty"` // of 16 bytes in a row of weights
	Weights  int           `json:",omitempty"` // in such a unit
}

// Kernel is what a compiler made of a kernel.
type Kernel struct {
	Subgroup     int
	Registers    float64 // of a lane
	Shared       float64 `json:",omitempty"` // bytes of a workgroup
	Waves        float64 `json:",omitempty"` // that a unit has room for, where the driver says so
	Instructions float64 // of the whole program
	Loop         float64 `json:",omitempty"` // in its first loop; 0: not known
	Path         float64 `json:",omitempty"` // on the longest way through it, loops taken once; 0: not known
}

// loop is the instructions of the loop, of all the program where no other number is known.
func (k Kernel) loop() float64 {
	if k.Loop == 0 {
		return k.Instructions
	}
	return k.Loop
}

// Counts are what a device runs, and on what.
type Counts struct {
	Device  string
	Kernels map[string]Kernel
	Tokens  []Token
}

// Card is a GPU's published figures. A unit is what its vendor calls a multiprocessor, compute unit, Xe-core or shader core.
type Card struct {
	Name      string
	Lab       string  // the lab's device whose counts hold for it
	Match     string  // regular expression for the names that drivers give it
	Bandwidth float64 // bytes a second, nominal
	Units     int
	Clock     float64 // in GHz
	Rate      float64 // lanes of a unit that an instruction goes to in a clock
	Latency   float64 // of memory under load, in ns
	Cache     float64 // of the last cache that all units share, in ns
	Launch    float64 // of a dispatch behind a barrier, in us
	Room      Room
}

// Room is what a unit has for workgroups. Zero is no limit.
type Room struct {
	Waves     int     // subgroups at once
	Groups    int     // workgroups at once
	Registers float64 // of all lanes together
	Parts     int     // that they are shared out to
	Grain     float64 // registers of a lane are given out in such runs
	Shared    float64 // bytes
}

// Occupancy is how many workgroups of so many lanes a unit holds at once.
func (r Room) Occupancy(k Kernel, lanes int) int {
	waves := (lanes + k.Subgroup - 1) / max(k.Subgroup, 1)
	most := r.Waves
	if k.Waves > 0 {
		most = int(k.Waves)
	}
	if r.Registers > 0 && k.Registers > 0 {
		each := math.Ceil(k.Registers/r.Grain) * r.Grain * float64(k.Subgroup)
		most = min(most, int(r.Registers/float64(r.Parts)/each)*r.Parts)
	}
	n := max(most/max(waves, 1), 1)
	if r.Groups > 0 {
		n = min(n, r.Groups)
	}
	if r.Shared > 0 && k.Shared > 0 {
		n = max(min(n, int(r.Shared/k.Shared)), 1)
	}
	return n
}

// Terms are what a command, or a token, is bound by, in microseconds.
type Terms struct {
	Bytes  float64 // its bytes by the bandwidth
	Trips  float64 // loads that wait for each other, as many workgroups at once as there is room for
	Issue  float64 // instructions of its loop
	Fill   float64 // until the first bytes are there
	Launch float64 // launches and barriers
	Norms  float64 // what all of that is of commands that are no products
	Time   float64 // the largest of the first three, and the next two
	Worst  float64 // as if nothing overlapped
}

// lanesOfRow is how many lanes of a workgroup share a row of weights.
func (c Command) lanesOfRow() int { return max(c.Lanes/max(c.GEMV.Beside, 1), 1) }

// TripsOf is how many loads of a lane wait for each other, the last of a row included.
func (c Command) TripsOf(k Kernel) int {
	switch each := float64(c.Groups*c.Lanes) * 16; {
	case c.GEMV == nil && each == 0: // a copy
		return 1
	case c.GEMV == nil:
		return max(int(math.Ceil(c.Bytes/each)), 1)
	}
	each := c.lanesOfRow() * c.GEMV.Depth
	return (c.Units + each - 1) / each
}

// InFlight is how many bytes of weights a unit asks for at once.
func (c Card) InFlight(cmd Command, k Kernel) float64 {
	if cmd.GEMV == nil {
		return 0
	}
	groups := c.Room.Occupancy(k, cmd.Lanes)
	return float64(groups*cmd.Lanes*cmd.rowsOfLane()*cmd.GEMV.Depth) * 16
}

// rowsOfLane is how many rows of weights a lane takes.
func (c Command) rowsOfLane() int { return c.GEMV.WeightRows / max(c.GEMV.Beside, 1) }

// PerWeight is the instructions of a lane for each weight that it multiplies.
func PerWeight(cmd Command, k Kernel) float64 {
	if cmd.GEMV == nil {
		return 0
	}
	return k.loop() / float64(cmd.rowsOfLane()*cmd.GEMV.Depth*cmd.Weights)
}

// Bound is what one run of a command takes.
func (c Card) Bound(cmd Command, k Kernel) (t Terms) {
	trips := float64(cmd.TripsOf(k))
	slots := c.Room.Occupancy(k, max(cmd.Lanes, 1)) * c.Units
	rounds := math.Ceil(float64(max(cmd.Groups, 1)) / float64(max(slots, 1)))
	t.Bytes = cmd.Bytes / c.Bandwidth * 1e6
	t.Launch = c.Launch * float64(cmd.Barriers) / float64(max(cmd.Times, 1))
	t.Fill = c.Latency / 1e3
	waves := float64(max(cmd.Groups, 1)) * math.Ceil(float64(cmd.Lanes)/float64(k.Subgroup))
	instructions := k.Path
	if cmd.GEMV == nil { // rows that were just written: in the cache that all share
		t.Trips = rounds * trips * c.Cache / 1e3
	} else {
		t.Trips = rounds * (trips*c.Latency + 2*c.Cache) / 1e3 // constants before, sums of lanes behind
		// Lanes behind the end of a row take part in its last trip.
		instructions = trips*k.loop() + max(k.Path-k.Loop, 0)
	}
	// Of few workgroups not all units have work.
	units := min(float64(c.Units), float64(max(cmd.Groups, 1)))
	t.Issue = waves * float64(k.Subgroup) * instructions / (units * c.Rate * c.Clock * 1e3)
	t.Time = max(t.Bytes, t.Trips, t.Issue) + t.Fill + t.Launch
	t.Worst = t.Bytes + t.Trips + t.Issue + t.Fill + t.Launch
	if cmd.GEMV == nil {
		t.Norms = t.Time
	}
	return t
}

// Predict is what a token takes, all commands one after the other.
func (c Card) Predict(token Token, kernels map[string]Kernel) (sum Terms) {
	for _, cmd := range token.Commands {
		k := kernels[cmd.Kernel]
		if k.Subgroup == 0 {
			k.Subgroup = max(cmd.Lanes, 1)
		}
		t, n := c.Bound(cmd, k), float64(cmd.Times)
		sum.Bytes += n * t.Bytes
		sum.Trips += n * t.Trips
		sum.Issue += n * t.Issue
		sum.Fill += n * t.Fill
		sum.Launch += n * t.Launch
		sum.Norms += n * t.Norms
		sum.Time += n * t.Time
		sum.Worst += n * t.Worst
	}
	return sum
}

// Share is the part of the time that the bytes alone would take at the roof.
func (t Terms) Share() float64 { return t.Bytes / t.Time }

// IsNorm tells whether a command norms rows.
func (c Command) IsNorm() bool {
	return c.GEMV == nil && (strings.Contains(c.Kernel, "norm") || strings.HasPrefix(c.Kernel, "advance"))
}
