package vk

import (
	"slices"
	"time"
)

// Watchdogs reset a device after about 2 s (Windows, amdgpu), others use it in between, and Ctrl-C waits for what was
// submitted: no submission is predicted above its budget. An op gets a third of it and a command buffer a quarter, unless
// one op needs more: pieces have to be small for submissions to be filled by them.
const (
	submissionBudget = 150 * time.Millisecond
	opBudget         = submissionBudget / 3
	segmentBudget    = submissionBudget / 4
)

// Share is the part of a submission that a recorded program is predicted to take: two of 0.5 go into one.
func (p *Program) Share() float64 {
	var sum time.Duration
	for _, s := range p.segments {
		sum += s.estimate
	}
	return float64(sum) / float64(submissionBudget)
}

// Pieces is in how many even parts an op of that cost is to be recorded where the planner cannot cut it: an indirect dispatch.
func (d *Device) Pieces(c Cost) int {
	s := d.Speed()
	estimate := s.Estimate(c) - s.Dispatch
	return 1 + int(estimate/max(opBudget-s.Dispatch, time.Millisecond))
}

// job is an op as the planner sees it: groups that may run apart from each other, and what all of them cost. Workgroups of a
// dispatch run in any order and may meet in memory at most, as they also do when the dispatch is cut: not a bit changes.
type job struct {
	groups [3]uint32
	cost   Cost
	whole  bool // not to be cut
}

// part is a box of an op's groups that is recorded as one command.
type part struct {
	op       int
	box      box
	estimate time.Duration
	last     bool // of its op
}

type box struct{ base, groups [3]uint32 }

// plan cuts every op that is predicted above the op budget into parts that are not.
func plan(jobs []job, s Speed) []part {
	parts := make([]part, 0, len(jobs))
	for i, j := range jobs {
		estimate := s.Estimate(j.cost)
		total := volume(j.groups)
		if estimate <= opBudget || j.whole || total == 0 {
			parts = append(parts, part{i, box{groups: j.groups}, estimate, true})
			continue
		}
		boxes := split(j.groups, float64(estimate-s.Dispatch), float64(opBudget-s.Dispatch))
		slices.Reverse(boxes) // the one from 0 on last: MoltenVK keeps a base that is not 0 for an indirect dispatch that follows
		for k, b := range boxes {
			e := s.Dispatch + time.Duration(float64(estimate-s.Dispatch)*volume(b.groups)/total)
			parts = append(parts, part{i, b, e, k == len(boxes)-1})
		}
	}
	return parts
}

// split covers a grid with boxes of at most budget each when the whole grid is cost; of one group where a single one is
// above it. The first dimension is cut first: kernels lay along it what is read once, weight rows or heads, so that no box
// reads again what another has read. What is left over is spread evenly.
func split(grid [3]uint32, cost, budget float64) []box {
	var size, all [3]uint64
	for d, n := range grid {
		size[d], all[d] = uint64(n), uint64(n)
		if cost > budget {
			fit := max(uint64(float64(n)*max(budget, 0)/cost), 1)
			size[d] = ceil(all[d], ceil(all[d], fit))
			cost *= float64(size[d]) / float64(all[d])
		}
	}
	var list []box
	for z := uint64(0); z < all[2]; z += size[2] {
		for y := uint64(0); y < all[1]; y += size[1] {
			for x := uint64(0); x < all[0]; x += size[0] {
				b := box{base: [3]uint32{uint32(x), uint32(y), uint32(z)}}
				for d, from := range [3]uint64{x, y, z} {
					b.groups[d] = uint32(min(size[d], all[d]-from))
				}
				list = append(list, b)
			}
		}
	}
	return list
}

func ceil(n, each uint64) uint64 { return (n + each - 1) / each }

func volume(g [3]uint32) float64 { return float64(g[0]) * float64(g[1]) * float64(g[2]) }

// cut splits commands of the given estimates into runs whose sums stay within the budget, as indices of their first
// commands. A command above the budget gets a run of its own.
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

// group returns how many of the leading segments go into the next submission: at least one, within the time budget, and
// of at most perSubmit programs when that is above 0.
func group(segments []segment, budget time.Duration, perSubmit int) int {
	var sum time.Duration
	programs := 0
	for i, s := range segments {
		if i == 0 || s.first {
			programs++
		}
		sum += s.estimate
		if i > 0 && (sum > budget || perSubmit > 0 && programs > perSubmit) {
			return i
		}
	}
	return len(segments)
}
