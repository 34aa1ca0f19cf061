package vk

import "time"

// Cost is an estimate of an op's work.
type Cost struct {
	Bytes uint64 // bytes moved to and from device memory
	FLOPs uint64 // floating point operations
}

// Add returns the sum of two costs.
func (c Cost) Add(o Cost) Cost { return Cost{c.Bytes + o.Bytes, c.FLOPs + o.FLOPs} }

// submissionBudget is how long a submission may be estimated to run. Watchdogs reset a device after about 2 s (Windows,
// amdgpu), and the assumed speeds may be wrong by a large factor.
const submissionBudget = 100 * time.Millisecond

// speed is what an op is assumed to reach on the slow end of a device class.
type speed struct {
	bytes    float64 // bytes a second
	flops    float64 // operations a second
	overhead time.Duration
}

var speeds = map[string]speed{
	"discrete":   {100e9, 1e12, 5 * time.Microsecond},
	"integrated": {20e9, 100e9, 10 * time.Microsecond},
	"virtual":    {20e9, 100e9, 10 * time.Microsecond},
	"cpu":        {4e9, 8e9, 10 * time.Microsecond},
	"other":      {4e9, 8e9, 10 * time.Microsecond},
}

// Estimate is the time an op of the given cost is assumed to take, from the device's class alone.
func (c Caps) Estimate(cost Cost) time.Duration {
	s, ok := speeds[c.Type]
	if !ok {
		s = speeds["other"]
	}
	seconds := max(float64(cost.Bytes)/s.bytes, float64(cost.FLOPs)/s.flops)
	// An absurd cost must not wrap around: a day is as good as forever.
	return s.overhead + time.Duration(min(seconds, 86400)*float64(time.Second))
}

// cut splits ops of the given estimates into runs whose sums stay within the budget, as indices of their first ops. An
// op above the budget gets a run of its own.
func cut(estimates []time.Duration, budget time.Duration) []int {
	var starts []int
	var sum time.Duration
	for i, e := range estimates {
		if i == 0 || sum+e > budget {
			starts = append(starts, i)
			sum = 0
		}
		sum += e
	}
	return starts
}

// piece is a part of a program as the grouping sees it.
type piece struct {
	program  int
	estimate time.Duration
}

// group returns how many of the leading pieces go into the next submission: at least one, within the time budget, and
// of at most perSubmit programs when that is above 0.
func group(pieces []piece, budget time.Duration, perSubmit int) int {
	var sum time.Duration
	programs := 0
	for i, p := range pieces {
		if i == 0 || p.program != pieces[i-1].program {
			programs++
		}
		sum += p.estimate
		if i > 0 && (sum > budget || perSubmit > 0 && programs > perSubmit) {
			return i
		}
	}
	return len(pieces)
}
