package engine_test

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"muninn/model/decode"
	"muninn/model/demo"
	"muninn/model/engine"
	"muninn/model/store"
	"muninn/vk"
	"muninn/vk/vktest"
)

// TestSoak decodes on and on with requests of all strategies side by side: memory, goroutines and descriptors stay as they are
// after a warm-up. The requests begin anew twenty times, so that the warm-up has recorded what comes after it: the programs
// that a session keeps have a bound of their own, maxPrograms.
// MUNINN_TEST_TOKENS=100000 is the long form, for which memory may grow by a byte a token at most.
func TestSoak(t *testing.T) {
	tokens := testSize(t, "MUNINN_TEST_TOKENS", 1200, 100)
	long := tokens >= 20000
	dev := vktest.Open(t, vktest.Names()[0], vk.Options{})
	m := open(t, dev, store.DemoName, engine.LoadOptions{})
	const side = 8
	b := engine.NewBatch(session(t, m, engine.SessionOptions{Sequences: side, Context: 64, MaxSteps: 20, Rows: 160, Outputs: 64, Exits: true, Compares: 6}))
	kinds := mixed(t, m)
	rng := demo.Rand(3)
	made, given, requests := 0, 0, 0
	add := func() {
		req := kinds[made%len(kinds)]
		p, err := demo.Draw(rng, made%9)
		if err != nil {
			t.Fatal(err)
		}
		if req.Prompt, err = m.EncodePrompt(p.Text(), false); err != nil {
			t.Fatal(err)
		}
		made++
		requests++
		_, err = b.Add(req, setting(made), func(decode.Token) error { given++; return nil }, func(_ decode.Outcome, err error) {
			if err != nil {
				t.Errorf("request %d: %v", made, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var seen []resources
	for given < tokens && !t.Failed() {
		rng, made = demo.Rand(3), 0
		for until := given + tokens/20; (given < until || b.Len() > 0) && !t.Failed(); {
			for given < until && b.Len() < side {
				add()
			}
			if err := b.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		seen = append(seen, used(t, dev, given))
		t.Logf("%+v, %d recordings", seen[len(seen)-1], dev.Counters().Recordings)
	}
	warm := seen[len(seen)*2/5:]
	first, last := warm[0], warm[len(warm)-1]
	t.Logf("%d tokens of %d requests: from token %d on %+v, at the end %+v", given, requests, first.at, first, last)
	if last.device != first.device || last.goroutines > first.goroutines || last.descriptors > first.descriptors {
		t.Errorf("after the warm-up %+v, at the end %+v", first, last)
	}
	if slope := growth(warm); long && slope > 1 {
		t.Errorf("memory grows by %.2f bytes a token", slope)
	} else {
		t.Logf("memory grows by %.2f bytes a token", slope)
	}
}

// resources are what a process holds at some point.
type resources struct {
	at                      int // tokens
	resident                int // bytes
	device                  uint64
	goroutines, descriptors int
}

func used(t *testing.T, dev *vk.Device, at int) resources {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(raw))[1])
	if err != nil {
		t.Fatal(err)
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return resources{at, pages * os.Getpagesize(), dev.Counters().DeviceBytes, runtime.NumGoroutine(), len(open)}
}

// growth is the median slope between the samples of the first and the second half, in bytes a token: pages come and go.
func growth(list []resources) float64 {
	var slopes []float64
	half := len(list) / 2
	for i := range half {
		a, b := list[i], list[i+half]
		slopes = append(slopes, float64(b.resident-a.resident)/float64(b.at-a.at))
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2]
}
