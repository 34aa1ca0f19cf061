package tune

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muninn/shaders"
	"muninn/shaders/format"
	"muninn/vk"
)

// What was measured is kept for a device, a driver, kernels and products, and read at the next start; anything else, and a damaged file,
// is measured again.
func TestKept(t *testing.T) {
	dir, c, j := t.TempDir(), vk.Caps{Name: "GPU", Type: "discrete", Driver: "1"}, job(Auto, format.Q4_0)
	measured := 0
	found := Result{Level: Quick, Ratio: 0.8, Measured: shaders.Measured{Settings: []shaders.Setting{{Name: "subgroup", Value: "16", Why: "measured"}}}}
	measure := func(_ context.Context, j Job, _ func(done, total int)) (Result, error) {
		measured++
		r := found
		r.Level = j.Level
		return r, nil
	}
	get := func(what string, c vk.Caps, j Job, want bool) {
		t.Helper()
		before := measured
		r, fresh, err := Get(t.Context(), dir, c, j, measure, nil)
		if err != nil || fresh != want || measured-before != map[bool]int{true: 1}[want] || r.Ratio != 0.8 || len(r.Said()) != 1 {
			t.Errorf("%s: measured %t, want %t: %+v, %v", what, fresh, want, r, err)
		}
	}
	get("first start", c, j, true)
	get("second start", c, j, false)
	other, driver, options, full := j, c, j, j
	other.Uses, driver.Driver, options.Kernels.Activations, full.Level = j.Uses[1:], "2", shaders.FloatActivations, Full
	get("other products", c, other, true)
	get("other driver", driver, j, true)
	get("other options", c, options, true)
	get("the first once more", c, j, false)
	get("full", c, full, true)
	get("full once more", c, full, false)
	full.Again = true
	get("again", c, full, true)
	get("quick after full", c, j, false)
	if n := len(Kept(dir, c)); n != 3 {
		t.Errorf("%d results kept", n)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "tuning-*"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil {
			data[len(data)/2] ^= 1
			err = os.WriteFile(f, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	get("damaged", c, j, true)

	off := j
	off.Level = Off
	if r, _, err := Get(t.Context(), dir, c, off, measure, nil); err != nil || len(r.Said()) > 0 {
		t.Errorf("off: %+v, %v", r, err)
	}
	for _, nowhere := range []string{"", filepath.Join(files[0], "folder")} {
		if r, fresh, err := Get(t.Context(), nowhere, c, j, measure, nil); err != nil || fresh || len(r.Said()) > 0 {
			t.Errorf("kept in %q: %+v, measured %t, %v", nowhere, r, fresh, err)
		}
	}
	cpu := c
	cpu.Type = "cpu"
	if r, fresh, err := Get(t.Context(), dir, cpu, j, measure, nil); err != nil || fresh || len(r.Said()) > 0 {
		t.Errorf("a CPU device: %+v, measured %t, %v", r, fresh, err)
	}
	asked := j
	asked.Level = Quick
	get("a CPU device, asked", cpu, asked, true)
	get("and once more", cpu, j, false)
}

// First starts at the same time lose nothing of each other.
func TestKeptAtOnce(t *testing.T) {
	dir, c := t.TempDir(), vk.Caps{Type: "discrete"}
	var all sync.WaitGroup
	for n := range keptSets {
		all.Go(func() {
			j := job(Quick, format.Q4_0)
			j.Uses[0].Rows = n
			remember(dir, c, j, Result{Level: Quick, Ratio: 1})
		})
	}
	all.Wait()
	if n := len(Kept(dir, c)); n != keptSets {
		t.Errorf("%d of %d results kept", n, keptSets)
	}
}

// Where measuring fails the rules stand, and it is not tried at each start; where the caller ends it, nothing is kept.
func TestFails(t *testing.T) {
	dir, c, j := t.TempDir(), vk.Caps{Name: "GPU", Type: "discrete"}, job(Auto, format.Q4_0)
	ctx, cancel := context.WithCancel(t.Context())
	ended := func(context.Context, Job, func(int, int)) (Result, error) {
		cancel()
		return Result{Ratio: 0.1}, ctx.Err()
	}
	if _, _, err := Get(ctx, dir, c, j, ended, nil); !errors.Is(err, context.Canceled) || len(Kept(dir, c)) > 0 {
		t.Errorf("ended: %v, kept %v", err, Kept(dir, c))
	}
	lost := func(context.Context, Job, func(int, int)) (Result, error) {
		return Result{Ratio: 0.1}, vk.ErrDeviceLost
	}
	for _, fresh := range []bool{true, false} {
		if r, now, err := Get(t.Context(), dir, c, j, lost, nil); err != nil || now != fresh || r.Ratio != 1 || r.Why == "" || len(r.Said()) > 0 {
			t.Errorf("lost: %+v, measured %t, %v", r, now, err)
		}
	}
}

// A driver that never comes back is waited for no longer than measuring may take.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		hangs := func(ctx context.Context, _ Job, _ func(int, int)) (Result, error) {
			<-ctx.Done()
			return Result{}, errors.New("killed")
		}
		r, fresh, err := Get(t.Context(), t.TempDir(), vk.Caps{Type: "discrete"}, job(Auto, format.BF16), hangs, nil)
		if took := time.Since(start); err != nil || !fresh || took != 4*time.Second || len(r.Said()) > 0 || !strings.Contains(r.Why, "longer than 4s") {
			t.Errorf("%+v, %v after %v", r, err, took)
		}
	})
}
