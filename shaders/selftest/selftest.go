// Package selftest proves a device before it is used: a few cases of every kernel that a model would run there, against the
// oracles. What is wrong, does not compile, never returns or loses the device is done without, if there is another way.
package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"muninn/shaders"
	"muninn/shaders/ref"
	"muninn/vk"
)

// ErrRefused says that a device computes wrongly and that there is no other way to compute on it.
var ErrRefused = errors.New("selftest: the device's results are wrong")

// Job is what a pass is to do.
type Job struct {
	Device  string          `json:"device"`  // as vk.Select takes it
	Needs   []string        `json:"needs"`   // as ref.Quick takes them
	Kernels shaders.Options `json:"kernels"` // with what is done without

	Tune json.RawMessage `json:"tune,omitempty"` // a job of package tune in the place of one for a self-test
}

// Event is what a pass tells as it goes.
type Event struct {
	Kernels []string `json:"kernels"`         // compiled, then run, from here on; of a result, those that ran
	Result  bool     `json:"result"`          // what came of a case
	Wrong   string   `json:"wrong,omitempty"` // what is wrong with it
	Done    int      `json:"done"`            // cases before this one
	Total   int      `json:"total"`

	Tuned json.RawMessage `json:"tuned,omitempty"` // what came of a job of package tune
}

// Pass runs the cases of a job on a device of its own and tells what comes of them. Its error says that no more could be run: what
// was told last is what it was at. It ends early once something is wrong. Several may run at a time, with parts of what is needed.
type Pass func(ctx context.Context, j Job, tell func(Event)) error

// Verdict is what is known of a device and its driver.
type Verdict struct {
	Tested  []string          `json:"tested"`  // needs that were found right, with all that is off
	Off     []shaders.Off     `json:"off"`     // what is done without since it was found wrong
	Kernels map[string]string `json:"kernels"` // by name: what was found wrong, "" for nothing
	Refused string            `json:"refused"` // the kernel that is wrong and that nothing replaces; it is tested again at each start
}

// Word is the verdict in a word or two.
func (v Verdict) Word() string {
	switch {
	case v.Refused != "":
		return "wrong"
	case len(v.Tested) == 0:
		return "not yet"
	case len(v.Off) > 0:
		return fmt.Sprintf("%d off", len(v.Off))
	}
	return "right"
}

const kind = "verdict" // of the kept file

func key(c vk.Caps, kernels shaders.Options) string {
	kernels.Small = false             // needs say that
	asked, _ := json.Marshal(kernels) // flags and numbers
	return fmt.Sprintf("%s, kernels %s, %s", c.Key(), shaders.Sum(), asked)
}

// Kept is the verdict that Prove has kept in a folder for a device and such kernels; an empty one where there is none.
func Kept(dir string, c vk.Caps, kernels shaders.Options) Verdict {
	v := Verdict{}
	if !vk.Recall(dir, kind, key(c, kernels), &v) {
		v = Verdict{}
	}
	if v.Kernels == nil {
		v.Kernels = map[string]string{}
	}
	return v
}

// keep keeps a verdict in a folder, with what another start has tested meanwhile, if it does without the same. What cannot be kept only
// costs time at the next start.
func (v Verdict) keep(dir string, c vk.Caps, kernels shaders.Options) {
	_ = vk.Change(dir, kind, key(c, kernels), func(other Verdict) Verdict {
		if slices.Equal(other.Off, v.Off) {
			v.Tested = append(without(other.Tested, v.Tested), v.Tested...)
			all := maps.Collect(maps.All(other.Kernels))
			maps.Copy(all, v.Kernels)
			v.Kernels = all
		}
		return v
	})
}

// Prove tests what is needed of a device, with kernels by those options, and was not tested yet, and keeps the verdict in the
// folder; "" keeps nothing. The error matches ErrRefused where a kernel is wrong and nothing can take its place, and else says why
// the device could not be tested. progress, which may be nil, is told how many cases are done, and 0 of 0 in the end.
func Prove(ctx context.Context, dir string, c vk.Caps, kernels shaders.Options, needs []string, pass Pass, progress func(done, total int)) (Verdict, error) {
	v := Kept(dir, c, kernels)
	todo := without(needs, v.Tested)
	if progress != nil && len(todo) > 0 {
		defer progress(0, 0)
	}
	for parts := min(runtime.GOMAXPROCS(0), mostParts); len(todo) > 0; {
		t, err := try(ctx, Job{Device: fmt.Sprint(c.Index), Needs: todo, Kernels: kernels.Without(v.Off)}, parts, pass, &v, progress)
		switch {
		case ctx.Err() != nil:
			return v, ctx.Err()
		case t == nil:
			v.Tested, v.Refused = append(v.Tested, todo...), ""
			v.keep(dir, c, kernels)
			return v, nil
		case t.wrong == "" && min(parts, len(todo)) > 1: // another may have ended it: a device that is lost is lost to all
			parts = 1
			continue
		case t.wrong == "" && len(t.at) == 0:
			return v, err
		case t.wrong == "": // it was at them when it ended
			t.wrong = firstLine(err.Error())
		}
		for _, k := range t.at {
			if v.Kernels[k] == "" {
				v.Kernels[k] = t.wrong
			}
		}
		off, ok := next(t.at, t.wrong, v.Off)
		if !ok {
			v.Refused = strings.Join(t.at, " or ")
			v.keep(dir, c, kernels)
			return v, fmt.Errorf("%w: kernel %s on %s, driver %s: %s", ErrRefused, v.Refused, c.Name, c.Driver, t.wrong)
		}
		v.Off = append(v.Off, off)
		todo = append(without(v.Tested, needs), needs...) // other kernels may serve now
		v.Tested = nil
	}
	return v, nil
}

// without is a less what b has.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Here is the pass in this process, one at a time: a driver that crashes takes the process along, one that never returns is waited for.
// open opens a device for it.
func Here(open func(device string) (*vk.Device, error)) Pass {
	var turn sync.Mutex
	return func(ctx context.Context, j Job, tell func(Event)) (err error) {
		turn.Lock()
		defer turn.Unlock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		dev, err := open(j.Device)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dev.Close()) }()
		k, err := shaders.New(dev, j.Kernels)
		if err != nil {
			return err
		}
		var cases []ref.Case
		for _, need := range j.Needs {
			cases = append(cases, ref.Quick(need, k.Tuning)...)
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		at := Event{Total: len(cases)}
		wrong := false
		var short error
		_, err = ref.Run(ctx, dev, ref.Options{
			Cases: cases, Shaders: []shaders.Options{j.Kernels},
			Begin: func(done, _ int, _ ref.Case) { at.Done = done },
			Kernel: func(names string) {
				if ctx.Err() == nil { // else it is about to end
					tell(Event{Kernels: strings.Fields(names), Done: at.Done, Total: at.Total})
				}
			},
			Progress: func(r ref.Result) {
				e := Event{Kernels: strings.Fields(r.Kernel), Result: true, Done: at.Done, Total: at.Total}
				switch {
				case errors.Is(r.Err, vk.ErrOutOfMemory): // nothing is known of the kernels: none is blamed, none is right
					short = r.Err
					tell(Event{Result: true, Done: at.Done, Total: at.Total})
					stop()
					return
				case r.Err != nil:
					e.Wrong = firstLine(r.Err.Error())
				case !r.OK:
					e.Wrong = fmt.Sprintf("%s/%s: %s", r.Op, r.Case, r.Detail)
				}
				tell(e)
				if wrong = e.Wrong != ""; wrong {
					stop()
				}
			},
		})
		if wrong {
			err = nil // it was stopped
		}
		if short != nil {
			err = short
		}
		return err
	}
}
