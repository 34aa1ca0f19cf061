package tune

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"muninn/shaders"
	"muninn/shaders/selftest"
	"muninn/vk"
)

const (
	kind     = "tuning" // of the kept file
	keptSets = 16       // jobs, the newest
)

// kept is what was measured on a device, by job.
type kept struct {
	Key    string `json:"key"`
	Result Result `json:"result"`
}

// fileKey names device, driver and kernels: beside the verdict on them, and true as long.
func fileKey(c vk.Caps) string { return fmt.Sprintf("%s, kernels %s", c.Key(), shaders.Sum()) }

// key names what a result depends on beside the device.
func (j Job) key() string {
	key, _ := json.Marshal(struct {
		Kernels shaders.Options
		Uses    []Use
	}{j.Kernels, j.Uses}) // numbers and names
	return string(key)
}

func recall(dir string, c vk.Caps) (list []kept) {
	if !vk.Recall(dir, kind, fileKey(c), &list) {
		return nil
	}
	return list
}

// Kept are the results that Get has kept in a folder for a device with this driver and these kernels, the newest first.
func Kept(dir string, c vk.Caps) (list []Result) {
	for _, k := range recall(dir, c) {
		list = append(list, k.Result)
	}
	return list
}

// remember keeps a result; one that cannot be kept only costs time at the next start.
func remember(dir string, c vk.Caps, j Job, r Result) {
	key := j.key()
	_ = vk.Change(dir, kind, fileKey(c), func(list []kept) []kept {
		list = slices.DeleteFunc(list, func(k kept) bool { return k.Key == key })
		list = append([]kept{{key, r}}, list...)
		return list[:min(len(list), keptSets)]
	})
}

// canKeep tells whether a folder can be written to.
func canKeep(dir string, c vk.Caps) bool {
	return dir != "" && vk.Change(dir, kind, fileKey(c), func(list []kept) []kept { return list }) == nil
}

// Measure does a job, and tells how far it is.
type Measure func(ctx context.Context, j Job, tell func(done, total int)) (Result, error)

// Get is what was measured for a job's uses: what is kept in the folder ("" keeps nothing), if at least as much was measured, else what
// measure finds now. Off, and Auto on a device that it does not measure, find the rules. Where measuring fails the result has the rules and says why, and
// that is kept too: a driver that cannot do it is not asked at each start. The error is ctx's alone. fresh: it was measured now.
func Get(ctx context.Context, dir string, c vk.Caps, j Job, measure Measure, tell func(done, total int)) (r Result, fresh bool, err error) {
	if j.Level == Off {
		return Result{Level: Off, Ratio: 1, Why: "not asked for"}, false, nil
	}
	on := j.Level.on(c)
	for _, k := range recall(dir, c) {
		if k.Key == j.key() && k.Result.Level >= on && !j.Again {
			return k.Result, false, nil
		}
	}
	if on == Off {
		return Result{Level: Off, Ratio: 1, Why: "the rules were measured on such devices"}, false, nil
	}
	if j.Level == Auto && !canKeep(dir, c) {
		return Result{Level: Off, Ratio: 1, Why: "nothing can be kept, and measuring at each start takes longer than it saves"}, false, nil
	}
	j.Level = on
	limit := on.Limit(c)
	bounded, stop := context.WithTimeout(ctx, limit)
	defer stop()
	r, err = measure(bounded, j, tell)
	switch {
	case ctx.Err() != nil:
		return Result{}, false, ctx.Err()
	case bounded.Err() != nil && err != nil:
		r = Result{Why: fmt.Sprintf("measuring took longer than %v", limit)}
	case err != nil:
		r = Result{Why: fmt.Sprintf("measuring failed: %v", err)}
	}
	if err != nil {
		r.Level, r.Ratio, r.Measured = on, 1, shaders.Measured{}
	}
	remember(dir, c, j, r)
	return r, true, nil
}

// Through measures by way of a self-test's pass, which Serving makes: wherever that runs, in a process of its own if it is selftest.Child.
func Through(pass selftest.Pass) Measure {
	return func(ctx context.Context, j Job, tell func(done, total int)) (r Result, err error) {
		job, err := json.Marshal(j)
		if err != nil {
			return r, err
		}
		found := errors.New("tune: nothing was measured")
		err = pass(ctx, selftest.Job{Device: j.Device, Tune: job}, func(e selftest.Event) {
			if e.Tuned != nil {
				found = json.Unmarshal(e.Tuned, &r)
			} else if tell != nil {
				tell(e.Done, e.Total)
			}
		})
		if err == nil {
			err = found
		}
		return r, err
	}
}

// Serving is a pass that also does jobs of this package, each on a device of its own.
func Serving(pass selftest.Pass, open func(device string) (*vk.Device, error)) selftest.Pass {
	return func(ctx context.Context, asked selftest.Job, tell func(selftest.Event)) (err error) {
		if asked.Tune == nil {
			return pass(ctx, asked, tell)
		}
		var j Job
		if err := json.Unmarshal(asked.Tune, &j); err != nil {
			return err
		}
		dev, err := open(asked.Device)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dev.Close()) }()
		dev.SetSpeed(j.Speed)
		r, err := Run(ctx, dev, j, func(done, total int) { tell(selftest.Event{Done: done, Total: total}) })
		if err != nil {
			return err
		}
		found, err := json.Marshal(r)
		if err == nil {
			tell(selftest.Event{Tuned: found})
		}
		return err
	}
}
