package selftest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"muninn/shaders/ref"
)

// mostParts bounds the passes at a time: each is a process with a device of its own.
const mostParts = 4

// weights are how long needs take, in tenths of a second that lavapipe compiles; others 1.
var weights = map[string]int{"matmul": 5, "kv": 4, ref.Rest: 4, ref.Beside: 10, ref.Further: 3, "adapter": 2}

// deal shares out what is needed to at most so many passes: the longest first, each to the one that has the least.
func deal(needs []string, most int) [][]string {
	weight := func(need string) int {
		op, _, _ := strings.Cut(need, " ")
		return cmp.Or(weights[op], 1)
	}
	needs = slices.Clone(needs)
	slices.SortStableFunc(needs, func(a, b string) int { return weight(b) - weight(a) })
	parts, sums := make([][]string, min(most, len(needs))), make([]int, min(most, len(needs)))
	for _, need := range needs {
		i := slices.Index(sums, slices.Min(sums))
		parts[i], sums[i] = append(parts[i], need), sums[i]+weight(need)
	}
	return parts
}

// trial hears what the pass of a part tells.
type trial struct {
	verdict     *Verdict
	done, total int
	at          []string // kernels that it is at
	wrong       string
}

// try runs the passes of a job, in at most so many parts. It returns the trial that first found something wrong or ended with an error,
// and that; the others are stopped then.
func try(ctx context.Context, j Job, most int, pass Pass, v *Verdict, progress func(done, total int)) (failed *trial, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	var wg sync.WaitGroup
	parts := deal(j.Needs, most)
	trials := make([]trial, len(parts))
	for i, needs := range parts {
		t, part := &trials[i], j
		t.verdict, part.Needs = v, needs
		wg.Go(func() {
			ended := pass(ctx, part, func(e Event) {
				mu.Lock()
				defer mu.Unlock()
				if t.hear(e); progress == nil || failed != nil {
					return
				}
				done, total := 0, 0
				for _, t := range trials {
					done, total = done+t.done, total+t.total
				}
				progress(done, total)
			})
			mu.Lock()
			defer mu.Unlock()
			if failed == nil && (t.wrong != "" || ended != nil) {
				failed, err = t, ended
				stop()
			}
		})
	}
	wg.Wait()
	return failed, err
}

func (t *trial) hear(e Event) {
	t.done, t.total = e.Done, e.Total
	switch {
	case t.wrong != "":
	case !e.Result:
		t.at = append(without(t.at, e.Kernels), e.Kernels...)
	case e.Wrong != "":
		t.wrong = e.Wrong
		if len(e.Kernels) > 0 {
			t.at = e.Kernels
		}
		if named := slices.DeleteFunc(slices.Clone(t.at), func(k string) bool { return !strings.Contains(e.Wrong, k) }); len(named) > 0 {
			t.at = named // an error of compiling names those that failed
		}
	default:
		for _, k := range e.Kernels {
			t.verdict.Kernels[k] = ""
		}
		t.at = nil
	}
}
