package engine

import (
	"fmt"

	"muninn/model/decode"
	"muninn/model/engine/weights"
	"muninn/shaders"
)

// values hands out what the criterion of a live job came to, where somebody asks.
func (s *scheduler) values(j *job) error {
	if j.task.Exit == nil || j.task.Exit.Values == nil || !j.adaptive() {
		return nil
	}
	n := min(int(j.progress.Checks), maxChecks)
	if n == len(j.values) {
		return nil
	}
	raw := make([]byte, 4*n)
	if err := s.m.dev.Read(s.groups.Values.Slice(uint64(4*j.task.Seq*maxChecks), uint64(4*n)), raw); err != nil {
		return err
	}
	all := weights.BytesToFloats(raw)
	for k := len(j.values); k < n; k++ {
		j.task.Exit.Values(j.task.Exit.MinSteps+k*max(j.task.Exit.Every, 1)+1, float64(all[k]))
	}
	j.values = all
	return nil
}

// results reads what finished jobs came to.
func (s *scheduler) results(jobs []*job) error {
	at, row := 0, 0
	for _, j := range jobs {
		a := j.task
		for i := range j.outputs {
			c := s.io.choice(at + i)
			r := j.rows[len(j.rows)-j.outputs+i]
			if c.Token == shaders.NoToken {
				return fmt.Errorf("model: the logits after position %d of sequence %d hold no number or are all equal: the weights or a kernel are broken; run `muninn check` on this device", r.Pos, a.Seq)
			}
			a.Choices = append(a.Choices, decode.Choice{Seq: a.Seq, Pos: r.Pos, Token: int32(c.Token), Steps: r.Step + int(j.progress.Taken),
				Logit: c.Logit, LogProb: c.LogProb, Margin: c.Margin, Kept: int(c.Kept)})
			if a.Given != nil {
				a.Below = append(a.Below, c.Below)
			}
		}
		at += j.outputs
		if a.Compare != decode.CompareNone {
			n := len(j.rows) - a.Shift
			a.Changes = s.changes(a, row, n)
			row += max(n, 0)
		}
	}
	s.outputs = at
	at = 0
	for _, j := range jobs {
		if j.task.Logits != nil && j.outputs > 0 {
			logits, err := s.logits()
			if err != nil {
				return err
			}
			j.task.Logits(logits[at : at+j.outputs])
		}
		at += j.outputs
	}
	return nil
}

// changes are the comparisons of the first n rows of a task, the first of which is comparison `at` of the pass.
func (s *scheduler) changes(a *decode.Task, at, n int) []float32 {
	q := &s.seqs[a.Seq]
	var list []float32
	for i := range n {
		c := s.io.distance(at + i)
		switch {
		case a.Compare == decode.CompareDifference || !q.compared:
			list = append(list, sqrt32(c.First/c.Now))
		case i < q.deltas:
			list = append(list, sqrt32(c.Second/c.Now))
		}
	}
	q.deltas, q.compared = max(n, 0), true
	return list
}
