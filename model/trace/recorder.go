package trace

import "muninn/model/decode"

// Recorder is an engine that takes the rows of each task through its core steps one by one, looking at states and logits, before
// it does the task itself. So what a strategy makes of it is what it makes of the engine below, exits included.
type Recorder struct {
	Engine
	Builder *Builder
	Step    func()      // called after each core step recorded; nil: nobody asks
	Token   func(Token) // given each token once it is done, as Path.Now has it; nil: nobody asks
	Prompt  int         // positions before this one are of the prompt
	Prefix  bool        // which is a prefix, whose tokens see each other
	First   int         // positions before this one are run, and not recorded
	End     int         // and tasks from this one on; 0: there are none
	Paths   []*Path     // recorded so far
}

// Rows is the number of rows of a task at most: each has logits, but for those of a prefix, which is read at once.
func (r *Recorder) Rows() int {
	if !r.Prefix {
		return min(r.Outputs(), r.Engine.Rows())
	}
	return r.Engine.Rows()
}

// Do records a task and does it.
func (r *Recorder) Do(a *decode.Task) error {
	first, before := a.Rows[0].Pos, 0 // steps of rows that are not recorded
	unseen := max(r.First-first, 0)
	if unseen >= len(a.Rows) || r.End > 0 && first >= r.End {
		return r.Engine.Do(a)
	} else if unseen > 0 && a.Prefix == 0 { // a prefix is read at once
		head := *a
		head.Rows, head.Outputs = a.Rows[:unseen], 0
		if err := r.Engine.Do(&head); err != nil {
			return err
		}
		before, a.Rows, unseen = head.RowSteps, a.Rows[unseen:], 0
	}
	var paths []*Path
	err := r.Walk(a, func(i int, initial []float32) *Path {
		if i < unseen {
			return nil
		}
		row := a.Rows[i]
		p := r.Builder.Token(row.Pos, row.Token, row.Pos < r.Prompt, initial)
		paths = append(paths, p)
		return p
	})
	if err != nil {
		return err
	}
	if err := r.Engine.Do(a); err != nil {
		return err
	}
	a.RowSteps += before
	r.Paths = append(r.Paths, paths...)
	for _, p := range paths {
		p.Exit(a.Taken)
		if r.Token != nil {
			r.Token(p.Now())
		}
	}
	return nil
}

// Walk takes the rows of a task through all its core steps and feeds the paths that begin makes of their initial states; nil: not of this row.
func (r *Recorder) Walk(a *decode.Task, begin func(i int, initial []float32) *Path) error {
	n := len(a.Rows)
	// A row that starts from the one before needs that to stay.
	task := decode.Task{Seq: a.Seq, Rows: append([]decode.TaskRow(nil), a.Rows...), Prefix: a.Prefix, Noise: a.Noise, Draw: a.Draw, Keep: a.Rows[0].From != decode.FromInitial}
	var paths []*Path
	for k := 0; k <= a.Steps; k++ {
		var states, logits [][]float32
		one := task
		one.States = func(rows [][]float32) { states = rows }
		one.Logits = func(rows [][]float32) { logits = append(logits, rows...) }
		if k > 0 {
			one.Steps, one.Outputs = 1, min(n, r.Outputs())
			for i := range one.Rows {
				one.Rows[i].Begin, one.Rows[i].From, one.Rows[i].Step, one.Rows[i].Mix = false, decode.FromOwn, k-1, 0
			}
		}
		if err := r.Engine.Do(&one); err != nil {
			return err
		}
		for i, state := range states {
			if k == 0 {
				paths = append(paths, begin(i, state))
				continue
			}
			switch behind := n - len(logits); {
			case paths[i] == nil:
			case i < behind:
				paths[i].Step(state, nil)
			default:
				paths[i].Step(state, logits[i-behind])
			}
		}
		if k > 0 && r.Step != nil {
			r.Step()
		}
	}
	return nil
}
