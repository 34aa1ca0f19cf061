package engine

import "slices"

// pollSteps is how many core steps sequences of different depths take between two looks at which of them have settled.
const pollSteps = 4

// horizon is how many steps jobs that have some left take together: no more than the first of those at fixed depth has. One
// that may leave sooner is looked at every pollSteps, at each step if its criterion needs logits, which all rows of a check share;
// one alone needs no look.
func (s *scheduler) horizon(stepping []*job) int {
	if len(stepping) == 0 {
		return 0
	}
	steps := stepping[0].left()
	for _, j := range stepping[1:] {
		steps = min(steps, j.left())
	}
	if len(stepping) == 1 {
		if j := stepping[0]; j.adaptive() && j.progress.Taken == 0 {
			return s.likely(j, steps)
		}
		return steps
	}
	for _, j := range stepping {
		switch {
		case j.logitCriterion != "":
			steps = min(steps, 1)
		case j.adaptive():
			steps = min(steps, pollSteps)
		}
	}
	return steps
}

// likely is how many of so many steps to submit at first for a task alone: where all are predicted to fit into two submissions, as
// many as lately sufficed for three in four tasks, so that the fewer small steps that are skipped cost less than the look at
// how it went. Where steps are large, those that do nothing weigh nothing beside them, and all are submitted at once. A task
// takes at most one submission more or less, whenever it leaves.
func (s *scheduler) likely(j *job, steps int) int {
	step := s.programs[programKey{part: "step", rows: len(j.table), follow: true, noise: j.task.Noise.Weight != 0, retire: j.logitCriterion == ""}]
	if len(s.took) == 0 || step == nil {
		return steps
	}
	sorted := slices.Sorted(slices.Values(s.took))
	first := min(sorted[len(sorted)*3/4]+1, steps)
	const room = 0.2 // of a submission, for what comes before the steps
	if share := step.Share(); share*float64(first) > 1-room || share*float64(steps-first) > 1 {
		return steps
	}
	return first
}

// remember keeps what a task with an exit took, for likely.
func (s *scheduler) remember(j *job) {
	const most = 16
	if j.adaptive() && j.progress.Taken > 0 {
		s.took = append(s.took[max(len(s.took)-most+1, 0):], int(j.progress.Taken))
	}
}
